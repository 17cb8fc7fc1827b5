/**
 * Fault: one of three NATS servers is cut off from the other two, again and again, for 3 to 60 s, now the one that leads the journal, now
 * another; the cut ends now with connections that are reset, now with all that was sent into it. As many cuts as MUSTER_SERVER_CUTS says
 * (default 8, which take about four minutes; 50 take half an hour), from a seed that is printed (MUSTER_SERVER_CUTS_SEED).
 */
import { expect } from 'vitest';
import { test } from '../harness/cluster-test.ts';
import { Random } from '../simulation/schedule/random.ts';
import { cutLines, ServerCuts, type Cut } from './server-cuts.ts';

const CUTS = Number(process.env['MUSTER_SERVER_CUTS'] ?? 8);
const SEED = Number(process.env['MUSTER_SERVER_CUTS_SEED'] ?? Date.now() % 100_000);
const CUT_MS = { min: 3_000, max: 60_000 };
/** Shorter cuts are more: their logarithms are spread evenly. */
const TEST_MS = 60_000 + CUTS * 90_000;
const SAYS_SO_WITHIN_MS = 5_000;
const ELSEWHERE_WITHIN_MS = 10_000;

async function nextCut(scene: ServerCuts, random: Random): Promise<Cut> {
  const { min, max } = CUT_MS;
  const durationMs = Math.round(min * (max / min) ** random.next());
  const heal = random.chance(0.5) ? 'resume' : 'mend';
  const place = random.chance(0.3) ? await scene.leader() : await scene.serverOf(`lb-${random.between(1, 3)}`);
  return { server: place ?? 0, durationMs, heal };
}

test(
  `${CUTS} cuts of one server from the other two`,
  async () => {
    process.stdout.write(`seed ${SEED}\n`);
    const random = new Random(SEED);
    await using scene = await ServerCuts.start();
    for (let index = 0; index < CUTS; index++) await scene.cut(await nextCut(scene, random));
    const findings = await scene.findings();
    const { cuts, endsCount, requestsCount, wrongEnds, failedRequests } = findings;
    process.stdout.write(`${cutLines(findings)}${endsCount} ends, ${requestsCount} requests\n`);
    expect({ wrongEnds, failedRequests }).toEqual({ wrongEnds: [], failedRequests: [] });
    const told = cuts.flatMap(({ durationMs, nodes }) => nodes.map((node) => ({ durationMs, ...node })));
    const mute = told.filter(
      ({ durationMs, saidSoMs }) => durationMs > SAYS_SO_WITHIN_MS && (saidSoMs ?? Infinity) > SAYS_SO_WITHIN_MS,
    );
    const stuck = told.filter(
      ({ durationMs, elsewhereMs }) =>
        durationMs > ELSEWHERE_WITHIN_MS && (elsewhereMs ?? Infinity) > ELSEWHERE_WITHIN_MS,
    );
    expect({ mute, stuck }).toEqual({ mute: [], stuck: [] });
  },
  TEST_MS,
);
