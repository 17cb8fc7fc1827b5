/** A message means the same wherever its bytes are cut: every golden exchange, cut at every byte of every part of it. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import { rawTransport, socketTransport } from '@muster/transport';
import { GOLDEN_EXCHANGES, type Golden, type Step } from '../../testing/http/golden-exchanges.ts';
import {
  client,
  expectNothingUnderWay,
  scripted,
  turn,
  type ScriptedBackend,
  type Talker,
} from '../../testing/http/scripted.ts';

/** Where the one part that is cut is cut. */
interface Cut {
  readonly step: number;
  /** Indices into what is sent. */
  readonly at: readonly number[];
}

interface Place {
  readonly port: number;
  readonly backend: ScriptedBackend;
}

async function send(talker: Talker, text: string, cuts: readonly number[]): Promise<void> {
  // What is written before would go in one piece.
  if (talker.socket.connecting) await once(talker.socket, 'connect');
  const edges = [0, ...cuts, text.length];
  for (let index = 1; index < edges.length; index++) {
    talker.write(text.slice(edges[index - 1], edges[index]));
    if (index < edges.length - 1) await turn();
  }
}

/** All that arrived, part by part, and what arrived besides. */
async function play({ steps }: Golden, cut: Cut, { port, backend }: Place): Promise<string[]> {
  const arrived: string[] = [];
  const asking = client(port);
  let peer: Talker | null = null;
  for (const [index, step] of steps.entries()) {
    const cuts = index === cut.step ? cut.at : [];
    await send(step.from === 'client' ? asking : peer!, step.sends, cuts);
    if (step.ends === true) (step.from === 'client' ? asking : peer!).socket.end();
    peer ??= await backend.accepted();
    const receiver = step.from === 'client' ? peer : asking;
    const isEnd = step.ends === true || step.isLast === true;
    arrived.push(isEnd ? await receiver.rest() : await receiver.take(step.arrives.length));
  }
  arrived.push(asking.text + peer!.text);
  asking.socket.destroy();
  peer!.socket.destroy();
  return arrived;
}

const everyCut = ({ steps }: Golden): Cut[] =>
  steps.flatMap(({ sends }: Step, step) =>
    Array.from({ length: sends.length - 1 }, (_, index) => ({ step, at: [index + 1] })),
  );

const intoBytes = ({ steps }: Golden): Cut[] =>
  steps.map(({ sends }, step) => ({ step, at: Array.from({ length: sends.length - 1 }, (_, index) => index + 1) }));

describe.each([rawTransport!, socketTransport])('on the $name transport', (transport) => {
  test.each(GOLDEN_EXCHANGES)('$name', async (golden) => {
    await using harness = new ProxyHarness({ transport });
    const backend = await scripted(harness);
    harness.pool({ maxIdleConnectionsPerBackend: 0 });
    harness.register('a', backend.target);
    const port = await harness.listen({ protocol: 'http', forwardedFields: 'none' });
    const arrives = [...golden.steps.map((step) => step.arrives), ''];
    for (const cut of [...everyCut(golden), ...intoBytes(golden)]) {
      expect(await play(golden, cut, { port, backend }), `cut at ${cut.at.join()}`).toEqual(arrives);
    }
    await expectNothingUnderWay(harness);
  });

  test('an empty line before a request is passed over, also when it comes in two pieces', async () => {
    await using harness = new ProxyHarness({ transport });
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    await send(asking, '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', [1, 2, 3]);
    const peer = await backend.accepted();
    expect(await peer.message()).toMatch(/^GET \/ HTTP\/1.1\r\n/);
    asking.socket.destroy();
  });
});
