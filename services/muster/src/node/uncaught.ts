/**
 * What nobody caught in the control process: a defect, after which nothing that it believes can be relied on. It is logged with its
 * stack, and the process ends with exit code 1, for whatever supervises it to start another. Its workers notice that it is gone:
 * they stop accepting, and their open connections have 30 s to finish.
 */
import { messageOf } from '@muster/membership';
import type { OpenLog } from '../log/log.ts';

/** For the line to be written. */
const LAST_LINE_TIMEOUT_MS = 1_000;

export function endWithUncaught({ log, close }: Pick<OpenLog, 'log' | 'close'>): void {
  let isEnding = false;
  const end = async (): Promise<void> => {
    isEnding = true;
    await close(LAST_LINE_TIMEOUT_MS);
    process.exit(1);
  };
  // A promise that was rejected and not handled comes here too.
  process.on('uncaughtException', (err: unknown) => {
    log.error({ err }, `the node has a defect and ends: ${messageOf(err)}`);
    if (!isEnding) void end();
  });
}
