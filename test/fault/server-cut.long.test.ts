/**
 * Fault: a NATS server is cut off from the other two, with a node on it. The node says so within 5 s and is on another server within
 * 10 s; nobody's lease ends whom the others could hear, neither during the cut nor after it; no request fails.
 */
import { expect } from 'vitest';
import { test } from '../harness/cluster-test.ts';
import { cutLines, ServerCuts } from './server-cuts.ts';

const CUT_MS = 11_000;

test('a server is cut off from the others for longer than a lease', async () => {
  await using scene = await ServerCuts.start();
  const server = (await scene.serverOf('lb-1'))!;
  await scene.cut({ server, durationMs: CUT_MS, heal: 'mend' });
  const findings = await scene.findings();
  process.stdout.write(cutLines(findings));
  for (const { saidSoMs, elsewhereMs } of findings.cuts[0]!.nodes) {
    expect(saidSoMs ?? Infinity).toBeLessThan(5_000);
    expect(elsewhereMs ?? Infinity).toBeLessThan(10_000);
  }
  expect(findings.cuts[0]!.nodes.length).toBeGreaterThan(0);
  expect(findings).toMatchObject({ wrongEnds: [], failedRequests: [] });
  expect(findings.requestsCount).toBeGreaterThan(100);
});
