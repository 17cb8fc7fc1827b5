/**
 * Rewrites what passes, and says how long it took.
 *
 * `/v2/…` is what the backends know as `/…`, and they are told which API was asked for. The answer loses what it says of the
 * server's software and gains a `Server-Timing` field, which browsers show; a request that was slow, or failed, writes one line of
 * JSON to the node's output.
 */
import type { Filter } from '@muster/proxy';

const SLOW_MS = 500;

interface Times {
  readonly beganMs: number;
  sentMs: number;
}

export default {
  newContext: () => ({ beganMs: performance.now(), sentMs: 0 }),

  requestFilter(request) {
    if (!request.path.startsWith('/v2/')) return;
    request.path = request.path.slice('/v2'.length);
    request.fields.set('X-Api-Version', '2');
  },

  upstreamRequestFilter(_request, times) {
    times.sentMs = performance.now();
  },

  upstreamResponseFilter({ fields, backend }, { beganMs, sentMs }) {
    const nowMs = performance.now();
    fields.delete('server');
    fields.delete('x-powered-by');
    const waited = `wait;dur=${(sentMs - beganMs).toFixed(1)}`;
    fields.append('Server-Timing', `${waited}, backend;dur=${(nowMs - sentMs).toFixed(1)};desc="${backend}"`);
  },

  logging({ requestId, method, target, status, durationMs, termination, attempts }) {
    if (durationMs < SLOW_MS && termination === 'finished') return;
    const backends = attempts.map(({ backend, outcome }) => `${backend}: ${outcome}`);
    process.stdout.write(
      `${JSON.stringify({ slow: requestId, method, target, status, durationMs, termination, backends })}\n`,
    );
  },
} satisfies Filter<Times>;
