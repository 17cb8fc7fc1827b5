/**
 * A person's word on the journal's history: `muster adopt-epoch` takes the present one as it is, `muster restore-history` writes what
 * the node serves into it before, and `muster snapshot` stores what a node that starts can begin with.
 */
import type { Adopted, MissingView, SnapshotSaved } from '@muster/questions/answers';
import { printable } from '@muster/questions/text';
import { describeEvent } from '@muster/questions/text/event-text';
import type { Session } from './session.ts';

export async function adoptEpoch(session: Session): Promise<void> {
  const adopted = await session.client.post<Adopted>('/v1/adopt-epoch', {});
  const line = `the node serves the journal's present history, ${adopted.epoch}, from revision ${adopted.revision} on`;
  await session.print(adopted, [printable(line)]);
}

/** Shows what would be written; does it with `yes`. */
export async function restoreHistory(session: Session, { yes = false }: { readonly yes?: boolean }): Promise<void> {
  const missing = await session.client.post<MissingView>('/v1/restore-history', { dryRun: true });
  const lines = missing.events.map((event) => `+ ${describeEvent({ ...event, id: '', revision: 0, timeMs: 0 })}`);
  const where = missing.epoch === null ? 'a new stream, which is made for it' : `history ${missing.epoch}`;
  if (!yes) {
    const last = `${lines.length} event(s) would be written into ${printable(where)}; to do it: muster restore-history --yes`;
    return session.print(missing, [...lines, last]);
  }
  const adopted = await session.client.post<Adopted>('/v1/restore-history', {});
  const { epoch, revision } = adopted;
  const done = `${lines.length} event(s) were written, and the node serves history ${epoch} from revision ${revision} on`;
  await session.print({ ...adopted, events: missing.events }, [...lines, printable(done)]);
}

export async function storeSnapshot(session: Session): Promise<void> {
  const saved = await session.client.post<SnapshotSaved>('/v1/snapshot', {});
  await session.print(saved, [printable(`a snapshot of revision ${saved.revision} is stored`)]);
}
