/**
 * The test of the process that holds the journal, killed with -9 while it appends, again and again on one file: how often is the
 * caller's.
 *
 * After each kill: every acknowledged event is there at the revision that was acknowledged, revisions rise without a
 * gap, every payload is whole, and SQLite finds nothing wrong. Appends that were not acknowledged may be there or not.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { openEmbeddedJournal } from '@muster/journal-embedded';
import { expect, test } from 'vitest';
import { killPayload } from './journal-kill-payload.ts';

const ACKNOWLEDGED_BEFORE_KILL_MAX = 150;
const PROCESS = new URL('./journal-kill-process.ts', import.meta.url).pathname;

/** Park and Miller's generator: the same kills in every run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Lets a process append until it has acknowledged so many, kills it, and answers all that it acknowledged. */
async function appendUntilKilled(path: string, round: number, killAfter: number): Promise<Map<string, number>> {
  // Many starts of the same program: with its code compiled once they take half the time.
  const env = { ...process.env, NODE_COMPILE_CACHE: `${path}.code` };
  const child = spawn(process.execPath, [PROCESS, path, String(round)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const revisionsById = new Map<string, number>();
  for await (const line of createInterface({ input: child.stdout })) {
    const acknowledged = /^(\S+) (\d+)$/.exec(line);
    if (acknowledged !== null) revisionsById.set(acknowledged[1]!, Number(acknowledged[2]));
    if (revisionsById.size === killAfter) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  expect(signal).toBe('SIGKILL');
  return revisionsById;
}

function integrityOf(path: string): unknown {
  using database = new DatabaseSync(path);
  return database.prepare('PRAGMA integrity_check').get();
}

/** Registers the test. */
export function testJournalKill(rounds: number): void {
  test(`kill -9 during appends, ${rounds} rounds: nothing acknowledged is lost, nothing is torn`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'muster-kill-'));
    const path = join(directory, 'node.journal');
    const random = seededRandom(20_260_731);
    const acknowledged = new Map<string, number>();
    try {
      for (let round = 1; round <= rounds; round += 1) {
        const killAfter = 1 + Math.floor(random() * ACKNOWLEDGED_BEFORE_KILL_MAX);
        for (const [id, revision] of await appendUntilKilled(path, round, killAfter)) acknowledged.set(id, revision);

        const stored = new Map<string, number>();
        await using journal = await openEmbeddedJournal({ path });
        for await (const { revision, id, payload } of journal.read()) {
          expect(revision).toBe(stored.size + 1);
          expect(payload).toBe(killPayload(id));
          stored.set(id, revision);
        }
        await journal.close();
        const lost = [...acknowledged].filter(([id, revision]) => stored.get(id) !== revision);
        expect(lost, `round ${round}, killed after ${killAfter}`).toEqual([]);
        expect(integrityOf(path)).toEqual({ integrity_check: 'ok' });
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
