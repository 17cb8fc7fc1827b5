/**
 * Incident files that nobody wrote: cut, bent, filled with hostile text, and compressed text that is no incident. Each is opened and asked,
 * or refused in words; nothing of it stays in memory.
 */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { JournalError } from '@muster/journal';
import { commandSchema } from '@muster/membership';
import { ReplayError } from '@muster/replay';
import * as fc from 'fast-check';
import { startAdmin } from '@muster/admin/testing';
import { diffQuestion, stateQuestion } from '@muster/questions';
import { incidentPast } from '@muster/questions/past';
import { textOf, shapes, type Shape } from './hostile-text.ts';

/** A file as a node exports it. */
async function exported(): Promise<Buffer> {
  await using admin = await startAdmin();
  for (const type of ['DefinePool', 'RemovePool', 'DefinePool'] as const) {
    await admin.node.execute(commandSchema.parse({ type, pool: 'p' }), 'test');
  }
  return Buffer.from(await (await fetch(`${admin.url}/v1/export?from=1`)).arrayBuffer());
}

type Damage =
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'bent'; readonly at: number; readonly byte: number }
  | { readonly kind: 'filled'; readonly at: number; readonly shape: Shape }
  | { readonly kind: 'other'; readonly shape: Shape; readonly isCompressed: boolean };

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at }),
  fc.record({ kind: fc.constant('bent' as const), at, byte: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('filled' as const), at, shape: shapes }),
  fc.record({ kind: fc.constant('other' as const), shape: shapes, isCompressed: fc.boolean() }),
);

const OTHER_CHARACTERS = 200_000;
const FILLING_CHARACTERS = 300;

function damaged(file: Buffer, damage: Damage): Buffer {
  if (damage.kind === 'other') {
    const text = textOf(damage.shape, OTHER_CHARACTERS);
    return damage.isCompressed ? gzipSync(`{"kind":"incident","format":1}\n${text}`) : Buffer.from(text);
  }
  const place = Math.floor(damage.at * file.length);
  if (damage.kind === 'cut') return file.subarray(0, place);
  if (damage.kind === 'filled') {
    return Buffer.concat([
      file.subarray(0, place),
      Buffer.from(textOf(damage.shape, FILLING_CHARACTERS)),
      file.subarray(place),
    ]);
  }
  const bent = Buffer.from(file);
  bent[place]! ^= damage.byte;
  return bent;
}

/** Gives how many files there were; throws with the seed and the smallest that fails. */
export async function runIncidents(seed: number, files: number): Promise<number> {
  const whole = await exported();
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-incidents-'));
  const path = join(folder.path, 'x.muster');
  let count = 0;
  const property = fc.asyncProperty(damages, async (damage) => {
    count += 1;
    await writeFile(path, damaged(whole, damage));
    await ask(path);
  });
  await fc.assert(property, { seed, numRuns: files });
  return count;
}

async function ask(path: string): Promise<void> {
  try {
    const { incident, past } = await incidentPast(path);
    try {
      await stateQuestion.answer(past, { at: 'now' });
      await diffQuestion.answer(past, { from: '1', to: 'now' });
    } finally {
      await incident.close();
    }
  } catch (error) {
    const isRefusal = error instanceof ReplayError || error instanceof JournalError;
    if (!isRefusal || error.message === '' || error.message.length > 2_000) throw error;
  }
}
