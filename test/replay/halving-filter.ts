/** A filter for the scene of requests under churn: with `X-Half: 1` every second backend is left to be picked from. */
import type { Filter } from '@muster/proxy';

export default {
  upstreamPeer({ request, candidates }) {
    if (!request.fields.has('x-half')) return undefined;
    return candidates.filter((_candidate, index) => index % 2 === 0).map(({ id }) => id);
  },
} satisfies Filter;
