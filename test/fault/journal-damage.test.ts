/** Every kind of damage to the embedded journal, once: a right state, or a refusal in words. Thousands more are in the long run. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { DAMAGE_KINDS, damageScene, tryDamage, type DamageScene } from './journal-damage.ts';

const SEED = Number(process.env['MUSTER_FUZZ_SEED'] ?? 20_261_130);

let scene: DamageScene;
beforeAll(async () => {
  const folder = await mkdtempDisposable(join(tmpdir(), 'muster-damage-'));
  scene = await damageScene(folder.path);
  return () => folder.remove();
});

test('a damaged journal gives the right state, or is refused in words, and never differs in silence', async () => {
  const failures: string[] = [];
  for (const [index, kind] of Object.keys(DAMAGE_KINDS).entries()) {
    await tryDamage(scene, kind, SEED + index).catch((error: unknown) => {
      failures.push(`${kind}, seed ${SEED + index}: ${String(error)}`);
    });
  }
  expect(failures).toEqual([]);
});

test.for([
  ['the log is deleted', 'its events 201 to 300 are missing'],
  ['the file is emptied', 'it is empty, and held 300 events of history'],
  ['the file is deleted, with nothing beside it', 'it is gone, and held 300 events of history'],
  ['the file is an earlier one', 'its events 201 to 300 are missing'],
  ['all files are earlier ones', 'its events 201 to 290 are missing'],
  ['the file is another journal', 'and this node had come to event 300 of history'],
])('%s: it is said what is missing, and how to go on', async ([kind, what]) => {
  const { outcome, said } = await tryDamage(scene, kind!, SEED);
  expect(outcome).toBe('refused');
  expect(said.join('\n')).toMatch(new RegExp(`is damaged: .*${what}.*; stop the node, .*muster journal mend `));
});
