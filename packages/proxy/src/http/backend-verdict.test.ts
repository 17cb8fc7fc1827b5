/** What counts for and against a backend: the whole table, and that traffic is counted by it. */
import { rawTransport } from '@muster/transport';
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import type { Outlier } from '../pool/ejection-tally.ts';
import { verdictOfAnswer, verdictOfStatus } from './record/backend-verdict.ts';
import {
  ask,
  client,
  expectNothingUnderWay,
  get,
  ok,
  scripted,
  until,
  type Talker,
} from '../../testing/http/scripted.ts';
import { TERMINATIONS } from './record/termination.ts';

test('of every status', () => {
  const byVerdict: Record<string, number[]> = { well: [], failed: [], nothing: [] };
  for (let status = 100; status <= 599; status++) byVerdict[verdictOfStatus(status)]!.push(status);
  expect(byVerdict['well']).toEqual(Array.from({ length: 400 }, (_, index) => 100 + index));
  expect(byVerdict['nothing']).toEqual([501, 505, 506, 510, 511]);
  expect(byVerdict['failed']).toHaveLength(95);
});

test('of every termination after a head', () => {
  for (const termination of TERMINATIONS) {
    const isCut = termination === 'answer_cut';
    expect([termination, verdictOfAnswer(200, termination)]).toEqual([termination, isCut ? 'failed' : 'well']);
    expect([termination, verdictOfAnswer(503, termination)]).toEqual([termination, 'failed']);
    expect([termination, verdictOfAnswer(501, termination)]).toEqual([termination, isCut ? 'failed' : 'nothing']);
  }
});

interface Ending {
  readonly name: string;
  readonly request?: string;
  readonly backend: (peer: Talker) => void;
  readonly client?: (asking: Talker) => void;
  readonly isFailure: boolean;
}

const UPLOAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf';
const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf';

const ENDINGS: readonly Ending[] = [
  { name: 'an answer', backend: (peer) => peer.write(ok('')), isFailure: false },
  { name: 'a 500', backend: (peer) => peer.write('HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n'), isFailure: true },
  { name: 'a 501', backend: (peer) => peer.write('HTTP/1.1 501 X\r\nContent-Length: 0\r\n\r\n'), isFailure: false },
  {
    name: 'an answer that is cut',
    backend: (peer) => {
      peer.write(HALF);
      peer.socket.end();
    },
    isFailure: true,
  },
  {
    name: 'an answer that is reset',
    backend: (peer) => {
      peer.write(HALF);
      peer.socket.resetAndDestroy();
    },
    isFailure: true,
  },
  {
    name: 'an answer whose client leaves',
    backend: (peer) => peer.write(HALF),
    client: (asking) => asking.socket.resetAndDestroy(),
    isFailure: false,
  },
  { name: 'no answer', backend: (peer) => peer.socket.end(), isFailure: true },
  { name: 'no answer to half a request', request: UPLOAD, backend: (peer) => peer.socket.end(), isFailure: false },
  { name: 'an answer that is none', backend: (peer) => peer.write('SSH-2.0-x\r\n\r\n'), isFailure: true },
];

describe('traffic', () => {
  test.each(ENDINGS)('$name: $isFailure', async ({ request = get(), backend, client: act, isFailure }) => {
    const outliers: Outlier[] = [];
    await using harness = new ProxyHarness({ onOutlier: (outlier) => void outliers.push(outlier) });
    const script = await scripted(harness);
    harness.pool({ ejection: { consecutiveFailures: 1 } });
    harness.register('a', script.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(request);
    const peer = await script.accepted();
    await peer.takeTo('\r\n\r\n');
    backend(peer);
    if (act === undefined) await until(() => asking.text !== '' || asking.hasEnded);
    else {
      await asking.takeTo('half');
      act(asking);
    }
    await until(() => harness.proxy.stats().pools['p']!.now.requestsInFlight === 0);
    expect(outliers).toHaveLength(isFailure ? 1 : 0);
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test('a dial that fails for a fault of this machine', async () => {
    const outliers: Outlier[] = [];
    await using harness = new ProxyHarness({
      onOutlier: (outlier) => void outliers.push(outlier),
      transport: {
        ...rawTransport!,
        dial: (_address, owner) => {
          setImmediate(() => owner.onConnectFailed('EMFILE'));
          return { close: () => undefined };
        },
      },
    });
    harness.pool({ ejection: { consecutiveFailures: 1 } });
    harness.register('a', '127.0.0.1:9');
    expect(await ask(await harness.listen({ protocol: 'http' }))).toContain('502');
    expect(outliers).toEqual([]);
  });
});
