/**
 * Fault: the server that leads the stream is killed with SIGKILL while events are appended, three times.
 *
 * The journal alone, on three servers: every outcome must be what is stored. Appended is stored once, at its revision; a
 * conflict or an unavailable one is not stored at all; a follower that was there all the time has what the log has.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppendOutcome } from '@muster/journal';
import { openJetStreamJournal, type JetStreamJournal } from '@muster/journal-jetstream';
import type { RecordedEvent } from '@muster/membership';
import { openNatsLink } from '@muster/nats';
import { newestNatsServer, startNatsCluster, type NatsCluster } from '@muster/nats-server';
import { expect, test } from 'vitest';

const KILLS = 3;
const WRITERS = 4;
const program = await newestNatsServer();

/** Appends one after another, every second one with an expectation, until told to stop. */
async function write(
  journal: JetStreamJournal,
  subject: string,
  signal: AbortSignal,
): Promise<Map<string, AppendOutcome>> {
  const outcomes = new Map<string, AppendOutcome>();
  let newest: number | null = 0;
  while (!signal.aborted) {
    const id = randomUUID();
    const options: { expectedRevision?: number } =
      newest === null || outcomes.size % 2 === 0 ? {} : { expectedRevision: newest };
    const outcome = await journal.append({ id, subject, origin: null, payload: '{}' }, options);
    outcomes.set(id, outcome);
    if (outcome.outcome === 'appended') newest = outcome.revision;
    if (outcome.outcome === 'unknown') newest = null;
    if (outcome.outcome !== 'appended') await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return outcomes;
}

/** Whether an outcome is what the log says. */
function isTrue(outcome: AppendOutcome, stored: readonly RecordedEvent[]): boolean {
  switch (outcome.outcome) {
    case 'appended':
      return stored.length === 1 && stored[0]!.revision === outcome.revision;
    case 'unknown':
      return stored.length <= 1;
    default:
      return stored.length === 0;
  }
}

async function killLeader({ servers }: NatsCluster, journal: JetStreamJournal, subject: string): Promise<void> {
  const leader = await leaderOf(servers, 'muster-fault');
  await leader.end('SIGKILL');
  for (;;) {
    const outcome = await journal.append({ id: randomUUID(), subject, origin: null, payload: '{}' });
    if (outcome.outcome === 'appended') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await leader.restart();
}

async function leaderOf(servers: NatsCluster['servers'], stream: string) {
  for (;;) {
    for (const server of servers) {
      const response = await fetch(`http://${server.host}:${server.monitorPort}/jsz?streams=true&accounts=true`);
      const text = await response.text();
      const name = new RegExp(`"name":\\s*"${stream}"[^]*?"leader":\\s*"(nats-\\d)"`).exec(text)?.[1];
      if (name !== undefined) return servers[Number(name.at(-1)) - 1]!;
    }
  }
}

test.skipIf('unavailable' in program)('the stream’s leader killed: what was acknowledged is there, once', async () => {
  if ('unavailable' in program) throw new Error(program.unavailable);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-leader-'));
  await using cluster = await startNatsCluster({ program, folder: folder.path });
  const link = openNatsLink({ servers: cluster.urls, name: 'muster-fault' });
  const journal = await openJetStreamJournal({ link, cluster: 'fault', replicas: 3, openTimeoutMs: 20_000 });
  const stop = new AbortController();
  const followed: RecordedEvent[] = [];
  const following = (async () => {
    for await (const item of journal.follow({ afterRevision: 0, signal: stop.signal })) {
      if (item.kind === 'events') followed.push(...item.events);
      expect(item.kind).not.toBe('epoch-changed');
    }
  })();
  const halt = new AbortController();
  const writers = Array.from({ length: WRITERS }, (_, index) =>
    write(journal, `muster.fault.pool.p-${index}`, halt.signal),
  );
  for (let kill = 0; kill < KILLS; kill += 1) await killLeader(cluster, journal, 'muster.fault.pool.killer');
  halt.abort();
  const outcomes = new Map((await Promise.all(writers)).flatMap((each) => [...each]));

  const stored: RecordedEvent[] = [];
  for await (const event of journal.read()) stored.push(event);
  const eventsById = Map.groupBy(stored, ({ id }) => id);
  const untrue = [...outcomes].filter(([id, outcome]) => !isTrue(outcome, eventsById.get(id) ?? []));
  expect(untrue).toEqual([]);
  const kinds = Map.groupBy(outcomes.values(), ({ outcome }) => outcome);
  expect(kinds.get('appended')?.length ?? 0).toBeGreaterThan(10);
  while ((followed.at(-1)?.revision ?? 0) < stored.at(-1)!.revision)
    await new Promise((resolve) => setTimeout(resolve, 10));
  stop.abort();
  await following;
  expect(followed).toEqual(stored);
  await journal.close();
  await link.close();
});
