/**
 * Waits for the first word of the probes, before a new listener is opened.
 *
 * A backend whose health is unknown gets no traffic. A listener that opened together with its backends would therefore
 * close the connections of its first milliseconds, though every backend is well.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeHandle } from '@muster/actors';
import { observationBy, withPendingFacts } from '@muster/membership';

/** More than a probe takes by default (2 s): what has not answered by then is left to the listener's empty set. */
const FIRST_FINDINGS_TIMEOUT_MS = 3_000;
const LOOK_INTERVAL_MS = 10;

/** Resolves when this node has seen every backend that it watches, or after `FIRST_FINDINGS_TIMEOUT_MS`. */
export async function firstFindings(node: NodeHandle): Promise<void> {
  const deadlineMs = performance.now() + FIRST_FINDINGS_TIMEOUT_MS;
  while (hasUnseenBackend(node) && performance.now() < deadlineMs) await sleep(LOOK_INTERVAL_MS);
}

function hasUnseenBackend(node: NodeHandle): boolean {
  const { node: id } = node.status();
  for (const { spec, backends } of node.roster().pools.values()) {
    if (spec.health === undefined) continue;
    for (const recorded of backends.values()) {
      const { mode, observations } = withPendingFacts(recorded, id, node.pending());
      if (mode.value !== 'maint' && observationBy(id, observations).health.value === 'unknown') return true;
    }
  }
  return false;
}
