/** A worker that runs out of file handles says so once, counts what it drops, and blames no backend. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { rawTransport, type AcceptCallbacks } from '@muster/transport';
import { expect, test } from 'vitest';
import { ProxyHarness } from '../testing/proxy-harness.ts';
import type { RefusalLine } from './listener/refusal-log.ts';

const PROGRAM = `
  import { rawTransport, bindSharedSocket } from '@muster/transport';
  import { connect } from 'node:net';
  import { openSync } from 'node:fs';
  const bound = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const port = bound.socket.boundPort;
  const legs = [];
  let failed = 0;
  await rawTransport.listen(bound.socket.handle, { onAccepted: (leg) => legs.push(leg), onAcceptFailed: () => failed++ });
  // As many as leave no room for accepts, but some for this program.
  for (let fd = 0; fd < 256 - 50; ) fd = openSync('/dev/null');
  const client = connect({ port, host: '127.0.0.1' });
  await new Promise((resolve) => client.on('close', resolve).on('error', () => {}).resume());
  let code = null;
  while (openSync('/dev/null') < 256 - 30);
  await new Promise((resolve) => rawTransport.dial({ kind: 'tcp', host: '127.0.0.1', port }, {
    onConnected: resolve,
    onConnectFailed: (name) => { code = name; resolve(); },
  }));
  console.log(JSON.stringify({ accepted: legs.length, failed, code }));
  process.exit();
`;

test('connections are dropped and counted before the event loop drops them in silence', async () => {
  const shell = `ulimit -n 256 && exec "$0" --input-type=module -e "$1"`;
  const child = spawn('sh', ['-c', shell, process.execPath, PROGRAM], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await once(child, 'close');
  expect(JSON.parse(text)).toEqual({ accepted: 0, failed: 1, code: 'EMFILE' });
});

test('a burst of them is one line at once and one that says how many there were, and all are counted', async () => {
  let nowMs = 0;
  let turn: () => void = () => undefined;
  let accepting: AcceptCallbacks | null = null;
  const lines: RefusalLine[] = [];
  await using harness = new ProxyHarness({
    clock: { nowMs: () => nowMs, every: (_, callBack) => ((turn = callBack), () => undefined) },
    onRefusal: (line) => void lines.push(line),
    transport: {
      ...rawTransport!,
      listen(handle, callbacks) {
        accepting = callbacks;
        return rawTransport!.listen(handle, callbacks);
      },
    },
  });
  await harness.listen();
  for (let count = 0; count < 100; count++) accepting!.onAcceptFailed('EMFILE');
  expect(lines).toEqual([{ listener: 'web', pool: null, reason: 'accept_failed', suppressedCount: 0 }]);
  nowMs = 6_000;
  turn();
  expect(lines.slice(1)).toEqual([{ listener: 'web', pool: null, reason: 'accept_failed', suppressedCount: 99 }]);
  expect(harness.proxy.stats().total.acceptFailures).toBe(100);
});
