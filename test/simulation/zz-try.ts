import { runSeed } from '/work/wt/simulation/test/simulation/run.ts';
const [from, to] = process.argv.slice(2).map(Number);
let t = performance.now();
const cpu = process.cpuUsage();
const by: Record<string, number[]> = {};
for (let seed = from!; seed <= to!; seed++) {
  const { findings, failedAtStep } = await runSeed(seed);
  if (findings.length) {
    console.log(
      seed,
      failedAtStep,
      findings
        .slice(0, 3)
        .map((f) => f.invariant + ': ' + f.message)
        .join('\n    '),
    );
  }
}
console.log((performance.now() - t) / (to! - from! + 1), 'ms per seed');
