/** Fills a small disk, keeps observations on it meanwhile, makes room again, and prints what became of them. */
import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openObservationStore } from '@muster/observations';

const [folder = ''] = process.argv.slice(2);
const filler = join(folder, 'filler');
const logLines: string[] = [];
const log = {
  info: () => undefined,
  warn: () => undefined,
  error: (_: object, text: string) => void logLines.push(text),
};
const store = openObservationStore({ path: join(folder, 'observations'), log, retryIntervalMs: 0 });
let revision = 0;

async function keep(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    revision += 1;
    const hash = ((revision * 2_654_435_761) % 4_294_967_296).toString(16);
    store.add({ kind: 'hash', timeMs: Date.now(), node: 'lb-1', epoch: 'epoch-1', revision, hash });
  }
  await store.flush();
}

await keep(1_000);
const before = store.status();
try {
  writeFileSync(filler, Buffer.alloc(4_194_304));
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
}
for (let frame = 0; frame < 5; frame++) await keep(5_000);
const during = store.status();
unlinkSync(filler);
await keep(1_000);
const after = store.status();

let lostSaid = 0;
const revisions: number[] = [];
for await (const one of store.observations()) {
  if (one.kind === 'lost') lostSaid += one.count;
  else if (one.kind === 'hash') revisions.push(one.revision);
}
const read = {
  keptInOrder: revisions.every((one, index) => index === 0 || one > revisions[index - 1]!),
  lostSaid,
  newestIsThere: revisions.at(-1) === revision,
  oldestIsThere: revisions[0] === 1,
};
await store.close();
process.stdout.write(JSON.stringify({ before, during, after, read, logLines }));
