/** I1: same events, same roster. Whatever anybody held is compared with what that history folds to at that revision. */
import { rosterHash } from '@muster/membership';
import type { World } from '../world/world.ts';

/** What a node says where it finds that others hold another roster; they never do. */
const ALARM = /the nodes disagree|holds another roster/;

export function checkSameRoster(world: World): void {
  for (const { watch } of world.processes()) {
    for (const { reader, epoch, revision, hash } of watch.takeReadings())
      judge(world, { who: reader, epoch, revision, hash });
  }
  for (const { machine, handle } of world.processes()) {
    const { epoch, revision } = handle.status();
    if (epoch === null) continue;
    judge(world, { who: machine.name, epoch, revision, hash: rosterHash(handle.roster()) });
  }
  for (const { machine, errors } of world.processes()) {
    const alarm = errors.find((text) => ALARM.test(text));
    if (alarm !== undefined && !world.hasFalseVoice) world.report('I1', `${machine.name} says: ${alarm}`);
  }
  for (const { name, disk } of world.machines) {
    if (disk.stored !== null) judge(world, { who: `the local snapshot of ${name}`, ...disk.stored });
  }
}

interface Held {
  readonly who: string;
  readonly epoch: string;
  readonly revision: number;
  readonly hash: string;
}

function judge({ store, report }: World, { who, epoch, revision, hash }: Held): void {
  const history = store.historiesByEpoch.get(epoch);
  const expected = history?.hashes[revision];
  if (expected === hash) return;
  const what = expected === undefined ? 'a revision that there is not' : `instead of ${expected}`;
  report('I1', `${who} holds ${hash} at ${epoch}@${revision}, ${what}`);
}
