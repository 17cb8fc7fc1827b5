/**
 * Errors that nobody caught. What a filter left behind costs a line in the log, because it must not cost the requests of others;
 * everything else is a defect of ours, and ends the worker as it would without this.
 */
import type { WorkerReport } from '@muster/actors';
import { messageOf } from '@muster/membership';
import { isLeftByFilter } from '@muster/proxy';
import { errorFields } from '../log/log.ts';

/** For the control process to take the last word. */
const LAST_WORD_TIMEOUT_MS = 1_000;

type Report = (report: WorkerReport, onTaken?: () => void) => void;

/** At most one line in that time; the others are counted. */
const QUIET_MS = 5_000;

/** Ends this process; what `process.exit` was, before filters could find it. */
export const endWorker = process.exit.bind(process);

/**
 * Filters share the process with everybody's connections, so the ways to end it are taken out of their hands. One that calls
 * them has failed, as with any other error.
 */
function keepFromEnding(): void {
  for (const name of ['exit', 'abort'] as const) {
    process[name] = () => {
      throw new Error(`a filter may not call process.${name}, which would cut the connections of others`);
    };
  }
}

export function surviveFilters(report: Report): void {
  keepFromEnding();
  let quietUntilMs = 0;
  let suppressedCount = 0;
  const onStray = (error: unknown): void => {
    if (!isLeftByFilter(error)) return endWith(error, report);
    if (performance.now() < quietUntilMs) {
      suppressedCount++;
      return;
    }
    const more = suppressedCount > 0 ? `, and ${suppressedCount} more since the last line` : '';
    const text = `a filter left an error behind that no request waits for${more}: ${messageOf(error)}`;
    report({ kind: 'log', level: 'error', fields: { suppressedCount, err: errorFields(error) }, text });
    quietUntilMs = performance.now() + QUIET_MS;
    suppressedCount = 0;
  };
  process.on('uncaughtException', onStray);
  // As it was rejected: by way of the other event, what is no error would come as one of Node's own.
  process.on('unhandledRejection', onStray);
}

/** A defect of ours. The node's log tells of it, with its stack; nothing is written here, where a full pipe could hold the end up. */
function endWith(error: unknown, report: Report): void {
  const endNow = (): never => endWorker(1);
  setTimeout(endNow, LAST_WORD_TIMEOUT_MS);
  const text = `the worker has a defect and ends: ${messageOf(error)}`;
  report({ kind: 'log', level: 'error', fields: { err: errorFields(error) }, text }, endNow);
}
