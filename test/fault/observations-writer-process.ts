/** Keeps observations without end, and says up to which revision they are written: to be killed while it does. */
import { openObservationStore } from '@muster/observations';
import { say } from '../harness/processes/say.ts';

const PER_FRAME = 2_000;
const [path = '', from = '1'] = process.argv.slice(2);
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const store = openObservationStore({ path, log });

let revision = Number(from);
for (;;) {
  for (let count = 0; count < PER_FRAME; count++) {
    revision += 1;
    const hash = ((revision * 2_654_435_761) % 4_294_967_296).toString(16);
    store.add({ kind: 'hash', timeMs: Date.now(), node: 'lb-1', epoch: 'epoch-1', revision, hash });
  }
  await store.flush();
  say(`${revision}`);
}
