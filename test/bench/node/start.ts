/**
 * From the start of `muster up` to the first answered connection, on a journal of a million events about 10,000 backends,
 * with a snapshot near its end and a tail of events after it.
 *
 *     spawn ──► modules ──► journal, snapshot, tail ──► worker started, given roster and socket ──► first answer
 *
 * Each start is ended by kill -9, so that the next one finds the same snapshot and tail. The pool of 10,000 has no health
 * checks, since its targets do not exist; what 10,000 probers cost at the start is the business of `actors`.
 */
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEmbeddedJournal, type EmbeddedJournal } from '@muster/journal-embedded';
import type { MembershipEventInput } from '@muster/membership';
import { freePort } from '../contenders/contenders.ts';
import { machineText, spreadText } from '../figures/figures.ts';
import { randomEvent, seededRandom, targetOf } from './fold.ts';
import { measureStart } from './node-start.ts';
import { snapshotsAt } from './stored-history.ts';

export const startUsage = `start   from \`muster up\` to the first answer, with a snapshot
        --events N  (1000000)   --backends N  (10000)   --tail N  (9000)   --starts N  (10)`;

const CLUSTER = 'bench';
const APPENDS_AT_ONCE = 10_000;
const JOURNAL_LINES = `kind = "embedded"\npath = "bench.journal"`;

interface Size {
  readonly events: number;
  readonly backends: number;
  readonly tail: number;
}

export async function startBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      events: { type: 'string', default: '1000000' },
      backends: { type: 'string', default: '10000' },
      tail: { type: 'string', default: '9000' },
      starts: { type: 'string', default: '10' },
    },
  });
  const size = { events: Number(values.events), backends: Number(values.backends), tail: Number(values.tail) };
  const directory = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  const backend = createServer((socket) => socket.on('error', () => undefined).end('a')).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  try {
    console.log(machineText());
    const port = await freePort();
    const target = `127.0.0.1:${(backend.address() as AddressInfo).port}`;
    const file = join(directory, 'bench.journal');
    await makeJournal(file, { size, port, target });
    const mib = (await stat(file)).size / 2 ** 20;
    console.log(
      `${size.events} events (${mib.toFixed(0)} MiB), ${size.backends} backends, ${size.tail} after the snapshot\n`,
    );
    const samplesMs: number[] = [];
    const node = { directory, cluster: CLUSTER, port, journalLines: JOURNAL_LINES };
    for (let start = 0; start < Number(values.starts); start++) samplesMs.push((await measureStart(node)).answeredMs);
    console.log(`muster up → first answer   ${spreadText(samplesMs)}`);
  } finally {
    backend.close();
    await rm(directory, { recursive: true });
  }
}

/** A history whose newest snapshot is `tail` events old. */
async function makeJournal(
  path: string,
  { size, port, target }: { size: Size; port: number; target: string },
): Promise<void> {
  await using journal = await openEmbeddedJournal({ path });
  const writer = new HistoryWriter(journal);
  await writer.add('listener.web', { type: 'ListenerDefined', bind: `127.0.0.1:${port}`, pool: 'spells' });
  await writer.add('pool.spells', { type: 'PoolDefined' });
  await writer.add('backend.spells.spells-1', { type: 'BackendRegistered', target });
  await writer.add('pool.p', { type: 'PoolDefined' });
  for (let index = 0; index < size.backends; index++) {
    await writer.add(`backend.p.b-${index}`, { type: 'BackendRegistered', target: targetOf(index) });
  }
  const random = seededRandom(1);
  while (writer.eventsCount < size.events) {
    if (writer.eventsCount === size.events - size.tail) await writer.saveSnapshot();
    const { subject, payload } = randomEvent(0, size.backends, random);
    await writer.addText(subject, payload);
  }
  await writer.flush();
}

/** Appends many at once. */
class HistoryWriter {
  eventsCount = 0;
  readonly #journal: EmbeddedJournal;
  #appends: Promise<void>[] = [];

  constructor(journal: EmbeddedJournal) {
    this.#journal = journal;
  }

  add(entity: string, event: MembershipEventInput): Promise<void> {
    return this.addText(`muster.${CLUSTER}.${entity}`, JSON.stringify(event));
  }

  async addText(subject: string, payload: string): Promise<void> {
    this.eventsCount++;
    this.#appends.push(this.#append({ id: `event-${this.eventsCount}`, subject, origin: 'bench', payload }));
    if (this.#appends.length === APPENDS_AT_ONCE) await this.flush();
  }

  async #append(event: Parameters<EmbeddedJournal['append']>[0]): Promise<void> {
    const outcome = await this.#journal.append(event);
    if (outcome.outcome !== 'appended') throw new Error(`An event was not appended: ${outcome.outcome}`);
  }

  async flush(): Promise<void> {
    await Promise.all(this.#appends);
    this.#appends = [];
  }

  async saveSnapshot(): Promise<void> {
    await this.flush();
    const { revision } = await this.#journal.head();
    for (const snapshot of await snapshotsAt(this.#journal, { cluster: CLUSTER, revisions: [revision] })) {
      await this.#journal.saveSnapshot(snapshot);
    }
  }
}
