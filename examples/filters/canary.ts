/**
 * A canary release: one visitor in ten is served by the backends whose id begins with `canary-`, and stays with them.
 *
 * Who carries the cookie `release=canary` goes there, as does a request with the field `X-Canary: always`. Whoever comes without
 * the cookie is drawn once and told so by a cookie of their own. When no canary is there (or its connection fails), the others serve:
 * a narrowing that leaves nobody would be answered 503.
 */
import type { Filter, PeerCandidate } from '@muster/proxy';

const CANARY_RATIO = 0.1;

interface Visit {
  isCanary: boolean;
  /** Neither the cookie nor the field has decided. */
  isNew: boolean;
}

const isCanary = ({ id }: PeerCandidate): boolean => id.startsWith('canary-');

export default {
  newContext: () => ({ isCanary: false, isNew: false }),

  requestFilter({ fields }, visit) {
    const cookie = /(?:^|;\s*)release=(canary|stable)/.exec(fields.get('cookie') ?? '')?.[1];
    visit.isNew = cookie === undefined && !fields.has('x-canary');
    visit.isCanary = cookie === 'canary' || fields.get('x-canary') === 'always';
    if (visit.isNew) visit.isCanary = Math.random() < CANARY_RATIO;
    // The backends are told who is asking for which, and the field that chose is ours.
    fields.delete('x-canary');
  },

  upstreamPeer({ candidates }, visit) {
    const wanted = candidates.filter((candidate) => isCanary(candidate) === visit.isCanary);
    return wanted.length > 0 ? wanted.map(({ id }) => id) : undefined;
  },

  upstreamResponseFilter({ fields }, visit) {
    if (visit.isNew) fields.append('Set-Cookie', `release=${visit.isCanary ? 'canary' : 'stable'}; Path=/; HttpOnly`);
  },
} satisfies Filter<Visit>;
