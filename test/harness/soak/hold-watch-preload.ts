/** Loaded into a process before its own code (`node --import`): it writes down the long turns of the main thread. See `hold-watch.ts`. */
import { appendFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { HOLD_FOLDER, HOLD_NOTED_MS, HOLD_TICK_MS } from './hold-watch.ts';

const PROFILE_INTERVAL_US = 500;
/** A profile that is older is begun anew, so that it stays small. */
const PROFILE_TICKS_MAX = 200;
const folder = process.env[HOLD_FOLDER];
const isProfiling = process.env['MUSTER_HOLD_PROFILE'] === '1';

function watch(file: string): void {
  const session = isProfiling ? startProfiling() : null;
  let before = process.threadCpuUsage();
  let ticks = 0;
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(before);
    const cpuMs = Math.round((user + system) / 1_000);
    if (cpuMs >= HOLD_NOTED_MS) {
      const hold = { pid: process.pid, atMs: Date.now(), cpuMs };
      if (session === null) appendFileSync(file, `${JSON.stringify(hold)}\n`);
      else whereIn(session, (where) => appendFileSync(file, `${JSON.stringify({ ...hold, where })}\n`));
    } else if (session !== null && ++ticks % PROFILE_TICKS_MAX === 0) whereIn(session, () => undefined);
    before = process.threadCpuUsage();
  }, HOLD_TICK_MS).unref();
}

function startProfiling(): Session {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: PROFILE_INTERVAL_US });
  session.post('Profiler.start');
  return session;
}

/** Ends the profile, tells the functions with the most samples near its end, and begins another one. */
function whereIn(session: Session, tell: (where: readonly string[]) => void): void {
  session.post('Profiler.stop', (_error, { profile }) => tell(lastStacks(profile)));
  session.post('Profiler.start');
}

/** The stacks of the profile's last samples, the most frequent first: `12 ms parse < read < onMessage`. */
function lastStacks({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): string[] {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const usByStack = new Map<string, number>();
  let leftUs = 200_000;
  for (let index = samples.length - 1; index >= 0 && leftUs > 0; index--) {
    const names: string[] = [];
    for (let id = samples[index]; id !== undefined && names.length < 12; id = parents.get(id)) {
      const { functionName, url, lineNumber } = byId.get(id)!.callFrame;
      names.push(`${functionName || '?'} ${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}`);
    }
    const stack = names.join(' < ');
    const deltaUs = timeDeltas[index] ?? 0;
    leftUs -= deltaUs;
    if (!/^\((idle|program)\)/.test(stack)) usByStack.set(stack, (usByStack.get(stack) ?? 0) + deltaUs);
  }
  const sorted = [...usByStack].toSorted((left, right) => right[1] - left[1]);
  return sorted.slice(0, 12).map(([stack, us]) => `${Math.round(us / 1_000)} ms ${stack}`);
}

if (folder !== undefined && isMainThread) watch(join(folder, `${process.pid}.holds`));
