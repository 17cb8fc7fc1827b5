/**
 * The TCP probe: passes when the target accepts a connection, and sends nothing. It shows that somebody listens, not that
 * the service works; a Unix socket is probed the same way.
 */

import { startAttempt } from './attempt.ts';
import type { Probe, ProbeOptions } from './probe.ts';

/** Connects once and closes at once. */
export function probeTcp(options: ProbeOptions): Probe {
  return startAttempt(options, (_socket, settle) => settle(null));
}
