/**
 * Host names that cannot be looked up, as lines of the log: one when an outage begins, one when it is over.
 *
 * A name server that is away takes all names with it, so at most ten lines are written in ten seconds; how many there were besides is
 * said in the next one.
 */
import { connectFailure, systemResolver, type CachingResolver, type ResolverSettings } from '@muster/transport';

type WriteLine = (level: 'warn' | 'info', fields: Record<string, unknown>, text: string) => void;

const LINES_MAX = 10;
const WINDOW_MS = 10_000;

/** A process's resolver, whose outages `write` is told of. */
export function loggedResolver(settings: Partial<ResolverSettings>, write: WriteLine): CachingResolver {
  let windowEndMs = -Infinity;
  let linesCount = 0;
  let suppressedCount = 0;
  const tell: WriteLine = (level, fields, text) => {
    if (performance.now() >= windowEndMs) {
      windowEndMs = performance.now() + WINDOW_MS;
      linesCount = 0;
    }
    if (linesCount++ >= LINES_MAX) return void suppressedCount++;
    const more = suppressedCount > 0 ? `; and ${suppressedCount} more lines about host names since the last one` : '';
    write(level, suppressedCount > 0 ? { ...fields, suppressedCount } : fields, text + more);
    suppressedCount = 0;
  };
  return systemResolver(settings, {
    onOutage({ name, code, isStale }) {
      const meanwhile = isStale ? 'its last addresses are used' : 'connections to it fail';
      const text = `${name} cannot be looked up: ${connectFailure(code).words}; ${meanwhile}`;
      tell('warn', { host: name, code, isStale }, text);
    },
    onRecovered(name, lastedMs) {
      const seconds = Math.round(lastedMs / 100) / 10;
      tell(
        'info',
        { host: name, lastedMs: Math.round(lastedMs) },
        `${name} can be looked up again, after ${seconds} s`,
      );
    },
  });
}
