/** What must hold once every fault has ended and some time has passed: all say the same, it is true, and nothing waits. */
import { observationBy, rosterHash, type Backend, type Pool } from '@muster/membership';
import type { NodeProcess } from '../world/machine.ts';
import type { World } from '../world/world.ts';

export function checkConvergence(world: World): void {
  const { present } = world.store;
  const { roster, revision } = present;
  for (const { name, process } of world.machines) {
    const state = process?.handle.status().state ?? 'not there';
    if (process === null || state !== 'serving') {
      world.report('end', `${name} is ${state}`);
      continue;
    }
    checkNode(world, process);
    const { value } = roster.nodes.get(name)?.state ?? { value: 'unknown' };
    if (value !== 'started') world.report('end', `${name} serves, and the roster says that it is ${value}`);
  }
  for (const pool of roster.pools.values()) {
    const member = pool.backends.get('member');
    const isMissed = member !== undefined && member.leaseMs !== null && !world.isSpeaking(pool.id);
    if (isMissed) world.report('end', `the member of ${pool.id} is silent, and still in the roster at ${revision}`);
  }
}

function checkNode({ store, report, targets }: World, process: NodeProcess): void {
  const { machine, handle } = process;
  const { name } = machine;
  const { present } = store;
  const { epoch, revision, pendingFactsCount, givenUp, isNameTaken, epochChange } = handle.status();
  const at = `${epoch}@${revision}`;
  if (at !== `${present.epoch}@${present.revision}`)
    report('end', `${name} is at ${at}, the journal at ${present.epoch}@${present.revision}`);
  const hash = rosterHash(handle.roster());
  if (epochChange !== null) report('end', `${name} says that the journal is ${epochChange.to}`);
  if (pendingFactsCount > 0) report('end', `${name} has ${pendingFactsCount} facts that are not recorded`);
  for (const { actor, reason } of givenUp) report('end', `${name} has given up ${actor}: ${reason}`);
  if (isNameTaken) report('end', `${name} says that its name is taken`);
  for (const pool of present.roster.pools.values()) {
    for (const backend of pool.backends.values()) {
      const reason = falsehood(backend, { pool, node: name, state: targets.at(backend.target.value).state });
      if (reason !== null) report('end', `${name} recorded ${reason} of ${pool.id}/${backend.id}`);
    }
  }
  for (const { index, state, hash: ofWorker } of handle.status().workers) {
    if (state !== 'serving' || ofWorker !== hash)
      report('end', `worker ${index} of ${name} is ${state} and holds ${ofWorker} instead of ${hash}`);
  }
  for (const { id, state, reason } of handle.status().listeners) {
    if (state !== 'listening') report('end', `listener ${id} of ${name} is ${state}: ${reason}`);
  }
}

/** What a node recorded of a backend and is not so, or null. */
function falsehood(
  { mode, observations }: Backend,
  { pool, node, state }: { pool: Pool; node: string; state: string },
): string | null {
  const { health, ejection } = observationBy(node, observations);
  if (ejection.value === 'ejected') return 'an ejection without an end';
  if (pool.spec.health === undefined || mode.value === 'maint') return null;
  const isAcceptedAsHealthy =
    state === 'answering' || ('tcp' in pool.spec.health && state !== 'refusing' && state !== 'silent');
  const expected = isAcceptedAsHealthy ? 'healthy' : 'unhealthy';
  return health.value === expected ? null : `${health.value} instead of ${expected}`;
}
