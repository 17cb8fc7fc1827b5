/**
 * The TCP probe: passes when the target accepts a connection, and sends nothing. It shows that somebody listens, not that
 * the service works; a Unix socket is probed the same way.
 */

import { startAttempt, type Conversation } from './attempt.ts';
import type { Probe, ProbeOptions } from './probe.ts';

const NOTHING_SAID: Conversation = { request: null, onBytes: () => 'passed', onEnd: () => 'passed' };

/** Connects once and closes at once. */
export function probeTcp(options: ProbeOptions): Probe {
  return startAttempt(options, NOTHING_SAID);
}
