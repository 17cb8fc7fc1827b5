import { scheduleOf } from './schedule.ts';
import { run } from './run.ts';
import { DataPlane } from '@muster/proxy';
const seed = Number(process.argv[2]);
const s = scheduleOf(seed);
const r = await run(s, {});
s.steps.slice(0, r.failedAtStep ?? undefined).forEach((x, i) => console.log(i + 1, JSON.stringify(x.action), x.thenMs));
console.log(r.findings);
