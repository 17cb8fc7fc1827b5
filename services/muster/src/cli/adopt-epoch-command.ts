/** `muster adopt-epoch`: the person's word that the journal's present history counts from now on. */
import { printable } from './plain-text.ts';
import type { Session } from './session.ts';

interface Adopted {
  readonly epoch: string;
  readonly revision: number;
}

export async function adoptEpoch(session: Session): Promise<void> {
  const adopted = await session.client.post<Adopted>('/v1/adopt-epoch', {});
  const line = `the node serves the journal's present history, ${adopted.epoch}, from revision ${adopted.revision} on`;
  await session.print(adopted, [printable(line)]);
}
