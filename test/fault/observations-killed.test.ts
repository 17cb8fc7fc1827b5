/** Fault: the process that keeps observations is killed with SIGKILL while it writes them, again and again. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ObservationReader, type HashPoint, type ObservationDamage } from '@muster/observations';
import { expect, test } from 'vitest';

const KILLS = 10;

test('what was written before each kill is whole, and nothing else is read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-observations-killed-'));
  const path = join(folder, 'observations');
  const damages: ObservationDamage[] = [];
  const reader = new ObservationReader({ path, onDamage: (damage) => damages.push(damage) });
  let written = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    written = await writeAndKill({ path, from: written + 1_000_000, linesBeforeKill: kill + 1 });
    const revisions: number[] = [];
    for await (const one of reader.observations()) revisions.push((one as HashPoint).revision);
    expect(revisions).toContain(written);
    expect(revisions).toEqual([...new Set(revisions)].toSorted((left, right) => left - right));
  }
  expect(damages.filter(({ reason }) => reason !== 'torn')).toEqual([]);
  await rm(folder, { recursive: true });
});

/** Returns the newest revision that the writer says is written. The kill comes while it writes on. */
async function writeAndKill(options: {
  readonly path: string;
  readonly from: number;
  readonly linesBeforeKill: number;
}): Promise<number> {
  const { path, from, linesBeforeKill } = options;
  const script = new URL('./observations-writer-process.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, path, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let written = 0;
  let linesCount = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    written = Number(line);
    linesCount += 1;
    if (linesCount === linesBeforeKill) child.kill('SIGKILL');
  }
  return written;
}
