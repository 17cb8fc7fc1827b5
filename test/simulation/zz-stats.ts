import { World } from './world.ts';
import { scheduleOf } from './schedule.ts';
import { run } from './run.ts';
const counts: Record<string, number> = {};
const add = (k: string, n = 1) => void (counts[k] = (counts[k] ?? 0) + n);
const end = World.prototype.end;
World.prototype.end = async function (this: World) {
  for (const { end } of this.requests) add(`request ${end}`);
  for (const [, t] of this.targets.touchesByRequest) add(`touched ${t.length} ${t[0]!.method}`);
  for (const h of this.store.historiesByEpoch.values())
    for (const e of h.events) {
      let t;
      try {
        t = JSON.parse(e.payload).type;
      } catch {}
      add(`event ${t}`);
    }
  add(`accepted commands`, this.accepted.length);
  for (const p of this.processes()) {
    add('rebuilds', p.handle.status().rebuilds.count);
    if (p.handle.status().rejectedCount) add('with rejected');
    for (const e of p.errors) add('E ' + e.replace(/[0-9]+/g, 'N').slice(0, 70));
  }
  add('epochs', this.store.historiesByEpoch.size);
  return end.call(this);
};
const [from, to] = process.argv.slice(2).map(Number);
for (let s = from!; s <= to!; s++) {
  await run(scheduleOf(s));
}
console.log(
  Object.entries(counts)
    .sort()
    .map(([k, v]) => `${v}\t${k}`)
    .join('\n'),
);
