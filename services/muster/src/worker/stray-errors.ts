/**
 * Errors that nobody caught. What a filter left behind costs a line in the log, because it must not cost the requests of others;
 * everything else is a defect of ours, and ends the worker as it would without this.
 */
import type { WorkerReport } from '@muster/actors';
import { isLeftByFilter } from '@muster/proxy';

/** At most one line in that time; the others are counted. */
const QUIET_MS = 5_000;

export function surviveFilters(report: (report: WorkerReport) => void): void {
  let quietUntilMs = 0;
  let suppressedCount = 0;
  process.on('uncaughtException', (error: Error) => {
    if (!isLeftByFilter(error)) {
      console.error(error);
      process.exit(1);
    }
    if (performance.now() < quietUntilMs) {
      suppressedCount++;
      return;
    }
    const more = suppressedCount > 0 ? `, and ${suppressedCount} more since the last line` : '';
    const text = `a filter left an error behind that no request waits for${more}: ${error.stack}`;
    report({ kind: 'log', level: 'error', fields: { suppressedCount }, text });
    quietUntilMs = performance.now() + QUIET_MS;
    suppressedCount = 0;
  });
}
