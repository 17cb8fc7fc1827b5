/**
 * I5: once a byte of a request has reached a backend, it is sent to no other, save an idempotent request whose kept-alive connection
 * ended before a byte of an answer.
 */
import type { Touch } from '../world/targets.ts';
import type { World } from '../world/world.ts';

export function checkSentOnce({ targets, report }: World): void {
  for (const [request, touches] of targets.touchesByRequest) {
    if (touches.length === 1) continue;
    for (const earlier of touches.slice(0, -1)) {
      if (mayGoOn(earlier)) continue;
      const where = touches.map(({ target, connection }) => `${target} (connection ${connection})`).join(', then ');
      report('I5', `${earlier.method} ${request} was sent to ${where}`);
      break;
    }
  }
}

function mayGoOn({ method, isReused, hasAnswered, end }: Touch): boolean {
  return method === 'GET' && isReused && !hasAnswered && end === 'by-backend';
}
