/** Two thousand damages of the embedded journal, kind by kind at other places: a right state, or a refusal in words. */
import { existsSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DAMAGE_KINDS, damageScene, tryDamage } from './journal-damage.ts';

const SEED = Number(process.env['MUSTER_FUZZ_SEED'] ?? 1_000_000);
const CASES = Number(process.env['MUSTER_FUZZ_CASES'] ?? 2_000);
/** What is written there needs no disk: two thousand journals sync several files each. */
const IN_MEMORY = '/dev/shm';
/** So many journals at once, each with a thread of its own. */
const LANES = 4;
/** Each syncs a few files to a disk that may be busy. */
const TIMEOUT_MS = 60_000 + CASES * 1_000;

test(
  'of 2,000 damages none makes a difference in silence',
  async () => {
    await using folder = await mkdtempDisposable(join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), 'muster-damage-'));
    const scene = await damageScene(folder.path);
    const kinds = Object.keys(DAMAGE_KINDS);
    const counts = { right: 0, 'past-refused': 0, refused: 0 };
    const failures: string[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < CASES) {
        const index = next++;
        const kind = kinds[index % kinds.length]!;
        await tryDamage(scene, kind, SEED + index).then(
          ({ outcome }) => (counts[outcome] += 1),
          (error: unknown) => {
            failures.push(`${kind}, seed ${SEED + index}: ${String(error)}`);
            process.stderr.write(`${failures.at(-1)}\n`);
          },
        );
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    process.stderr.write(`${CASES} damages: ${JSON.stringify(counts)}\n`);
    expect(failures).toEqual([]);
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(CASES / 20);
  },
  TIMEOUT_MS,
);
