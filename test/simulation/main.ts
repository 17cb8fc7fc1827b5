/**
 * `node bootstrap.mjs simulate`: runs seeds from the command line.
 *
 *     simulate --seed 17              one seed: its schedule, and what it found
 *     simulate --seed 17 --shrink     and the shortest schedule that finds it
 *     simulate --from 1 --count 500   many; the first that fails is shrunk and ends it
 */
import { parseArgs } from 'node:util';
import { failureText, scheduleText } from './failure-text.ts';
import { runSeed } from './run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '100' },
  },
});

/** A whole number, 0 or more; ends the process where it is none. */
function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} takes a whole number, not "${text}"`);
  process.exit(2);
}

async function runOne(seed: number): Promise<boolean> {
  const result = await runSeed(seed);
  console.log(`seed ${seed}, trace ${result.trace}`);
  console.log(scheduleText(result));
  if (result.findings.length > 0 && values.shrink) console.log(await failureText(result));
  return result.findings.length === 0;
}

async function runMany(from: number, count: number): Promise<boolean> {
  const startedMs = performance.now();
  for (let seed = from; seed < from + count; seed++) {
    const result = await runSeed(seed);
    if (result.findings.length === 0) continue;
    console.log(await failureText(result));
    return false;
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(`${count} seeds from ${from} on: nothing is wrong, ${seconds.toFixed(1)} s`);
  return true;
}

const isSound =
  values.seed === undefined
    ? await runMany(numberOf('from', values.from), numberOf('count', values.count))
    : await runOne(numberOf('seed', values.seed));
process.exitCode = isSound ? 0 : 1;
