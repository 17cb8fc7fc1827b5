/** The runs of the entrances' tests: how many texts of which sizes, from which seed. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { startAdmin } from '@muster/admin/testing';
import { checkCost, checkWords, ENTRANCES } from './entrances.ts';
import { runIncidents } from './incident-runs.ts';
import { shapes, textOf } from './hostile-text.ts';

const SEED = Number(process.env['MUSTER_FUZZ_SEED'] ?? 20_261_130);
const CASES = process.env['MUSTER_FUZZ_CASES'];
/** Below the limit of an event, so that it is read at all. */
const CHARACTERS = 60_000;
const SIZES = [1, 20, 300, 3_000] as const;

/** What may stay in memory of all the texts of a run: caches of compiled code and expressions grow a little, and nothing else does. */
const LEFT_BYTES_MAX = 33_554_432;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Does a run, and throws where it leaves more in memory than it may. `warmUp`: what loads the code, so that it is not counted. */
export async function leavingNothing(warmUp: () => unknown, run: () => unknown): Promise<void> {
  await warmUp();
  collect();
  const before = heldBytes();
  await run();
  collect();
  const leftBytes = heldBytes() - before;
  if (leftBytes > LEFT_BYTES_MAX) throw new Error(`${leftBytes} bytes stay in memory`);
}

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const casesOf = (usual: number): number => Number(CASES ?? usual);
const entrances = fc.constantFrom(...Object.keys(ENTRANCES));

/** Small texts, many. Gives how many there were; throws with the seed and the smallest that fails. */
export function runWords(usual: number): number {
  let count = 0;
  const property = fc.property(entrances, shapes, fc.constantFrom(...SIZES), (name, shape, characters) => {
    count += 1;
    checkWords(name, ENTRANCES[name]!(textOf(shape, characters)));
  });
  fc.assert(property, { seed: SEED, numRuns: casesOf(usual) });
  return count;
}

/** Large texts, at every entrance each. */
export function runCosts(usual: number): number {
  let count = 0;
  const property = fc.property(shapes, (shape) => {
    for (const name of Object.keys(ENTRANCES)) {
      count += 1;
      checkCost(name, (characters) => textOf(shape, characters), CHARACTERS);
    }
  });
  fc.assert(property, { seed: SEED, numRuns: Math.ceil(casesOf(usual) / 10) });
  return count;
}

/** What the admin API says of itself. */
interface AdminDescription {
  readonly paths: Record<string, Record<string, { readonly parameters?: readonly { readonly name: string }[] }>>;
}

interface AdminRoutes {
  /** That are asked with GET, with a pool of the roster where a path has one. */
  readonly asked: readonly string[];
  /** That take a body. */
  readonly given: readonly string[];
  /** Every field that some query may have, and one that none has. */
  readonly fields: readonly string[];
}

/** The routes of the admin server, from its own description: whatever it has is asked. */
async function routesOf(adminUrl: string): Promise<AdminRoutes> {
  const { paths } = (await (await fetch(`${adminUrl}/openapi.json`)).json()) as AdminDescription;
  const having = (method: string) =>
    Object.keys(paths).flatMap((path) => (method in paths[path]! ? [path.replaceAll(/\{\w+\}/g, 'p')] : []));
  const names = Object.values(paths).flatMap(({ get }) => get?.parameters?.map(({ name }) => name) ?? []);
  // An answer that follows does not end.
  return {
    asked: having('get'),
    given: having('post'),
    fields: [...new Set([...names, 'x'])].filter((name) => name !== 'follow'),
  };
}

/** Queries and bodies over HTTP. Each is answered, with a message where it is refused, and never with 500. */
export async function runAdminQuestions(usual: number): Promise<number> {
  await using admin = await startAdmin();
  const routes = await routesOf(admin.url);
  let count = 0;
  const query = fc.record({
    path: fc.constantFrom(...routes.asked),
    fields: fc.array(fc.constantFrom(...routes.fields), { maxLength: 3 }),
  });
  const body = fc.record({ path: fc.constantFrom(...routes.given), isText: fc.boolean() });
  const property = fc.asyncProperty(query, body, shapes, async (asked, posted, shape) => {
    count += 2;
    const value = encodeURIComponent(textOf(shape, 200).toWellFormed());
    const search = asked.fields.map((field) => `${field}=${value}`).join('&');
    await checkAnswer(await fetch(`${admin.url}${asked.path}?${search}`.slice(0, 12_000)));
    const text = textOf(shape, 40_000);
    const content = posted.isText
      ? JSON.stringify({ subject: 'muster.default.pool.p', payload: text.toWellFormed() })
      : text;
    const headers = { 'content-type': 'application/json' };
    await checkAnswer(await fetch(`${admin.url}${posted.path}`, { method: 'POST', headers, body: content }));
  });
  await fc.assert(property, { seed: SEED, numRuns: Math.ceil(casesOf(usual) / 2) });
  return count;
}

/** Files that are taken for incidents. */
export function runIncidentFiles(usual: number): Promise<number> {
  return runIncidents(SEED, casesOf(usual));
}

async function checkAnswer(answer: Response): Promise<void> {
  const text = await answer.text();
  if (answer.ok) return;
  const { error } = JSON.parse(text) as { error?: { message?: unknown } };
  const isSaid = typeof error?.message === 'string' && error.message !== '';
  if (answer.status === 500 || !isSaid)
    throw new Error(`${answer.url.slice(0, 200)}: ${answer.status} ${text.slice(0, 400)}`);
}
