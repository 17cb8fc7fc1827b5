/** I7: what was acknowledged is in its history, at the revision that was said; so is what a node answered a command with. */
import type { World } from '../world/world.ts';

export function checkKeptAppends({ store, accepted, report }: World): void {
  for (const { epoch, acknowledgedById, events } of store.historiesByEpoch.values()) {
    for (const [id, revision] of acknowledgedById) {
      if (events[revision - 1]?.id === id) continue;
      report('I7', `an event was acknowledged as ${epoch}@${revision}, and is not there`);
    }
  }
  for (const { node, origin, revision } of accepted) {
    const histories = [...store.historiesByEpoch.values()];
    if (histories.some(({ events }) => events[revision - 1]?.origin === origin)) continue;
    report('I7', `${node} answered ${origin} with revision ${revision}, where its event is not`);
  }
}
