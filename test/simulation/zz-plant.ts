import { PLANTED_FAULTS } from './planted-faults.ts';
import { runSeed } from './run.ts';
for (const p of PLANTED_FAULTS) {
  const seen: Record<string, number> = {};
  let firstSeed = 0;
  let msg = '';
  const t = performance.now();
  for (let seed = 1; seed <= 30; seed++) {
    const r = await runSeed(seed, { parts: p.parts() });
    const f = r.findings[0]?.invariant ?? 'none';
    seen[f] = (seen[f] ?? 0) + 1;
    if (f === p.invariant && !firstSeed) {
      firstSeed = seed;
      msg = r.findings[0]!.message;
    }
  }
  console.log(p.invariant, p.fault, JSON.stringify(seen), 'first', firstSeed, msg, Math.round(performance.now() - t));
}
