import { runSeed, run } from './run.ts';
import { shrink } from './shrink.ts';
import { FactWriter } from '../../packages/actors/src/fact-writer.ts';
import { ProbeTally } from './probe-tally.ts';
import { World } from './world.ts';
import { NodeWatch } from './node-watch.ts';
import { writeFileSync, readFileSync, existsSync } from 'node:fs';
const seed = Number(process.argv[2]);
const node = process.argv[3]!;
const backend = process.argv[4]!;
const file = `/tmp/shrunk-${seed}.json`;
if (!existsSync(file)) {
  const s = await shrink(await runSeed(seed));
  writeFileSync(file, JSON.stringify(s.schedule));
}
const schedule = JSON.parse(readFileSync(file, 'utf8'));
let w: World;
const log = (...a: unknown[]) => console.log(w?.clock.elapsedMs(), ...a);
const begin = World.prototype.begin;
World.prototype.begin = function () {
  w = this;
  return begin.call(this);
};
const apply = World.prototype.apply;
World.prototype.apply = function (a) {
  log('ACTION', JSON.stringify(a));
  return apply.call(this, a);
};
const P = FactWriter.prototype as any;
for (const m of ['add', 'judgeAnew', 'settleRecorded']) {
  const f = P[m];
  P[m] = function (...a: any[]) {
    const r = f.apply(this, a);
    if (m === 'add' && a[0].backend === backend) log('found', a[0].event.type, a[0].pool, 'by', a[0].node ?? '');
    if (m === 'judgeAnew') log('judgeAnew');
    if (m === 'settleRecorded')
      for (const e of a[0])
        if (e.subject.includes(`.${node}.`) && e.subject.endsWith(backend))
          log('folded', e.revision, JSON.parse(e.payload).type, 'settled', r.length);
    return r;
  };
}
const r = await run(schedule);
console.log(r.findings);
for (const h of w!.store.historiesByEpoch.values())
  for (const e of h.events)
    if (e.subject.includes(`${node}.`) && e.subject.endsWith(backend))
      console.log(h.epoch, e.revision, e.timeMs - 1.7e12, e.payload);
