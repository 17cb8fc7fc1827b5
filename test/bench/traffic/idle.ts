/**
 * What an idle TCP connection costs a worker in memory. The same of an HTTP listener, beside the other proxies, is the load
 * `idle` of `http.ts`.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { freePort } from '../contenders/contenders.ts';
import { machineText } from '../figures/figures.ts';
import { readIdleSizes } from './idle-connections.ts';
import { startMusterWorker } from '../contenders/muster-worker.ts';

export const idleUsage = 'idle   memory of a worker per idle TCP connection';

const STEP = 1_000;
const STEPS = 4;
const LINE = 'a line that comes back\n';

export async function idleBench(): Promise<void> {
  const backend = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  backend.listen(0, '127.0.0.1', 4_096);
  await once(backend, 'listening');
  const port = await freePort();
  const { port: backendPort } = backend.address() as AddressInfo;
  const worker = await startMusterWorker({ protocol: 'tcp', port, backendPort });
  try {
    console.log(`${machineText()}\n`);
    const size = { pid: worker.pid!, port, step: STEP, steps: STEPS };
    const readings = await readIdleSizes({ ...size, request: LINE, answer: LINE });
    for (const [index, { connections, residentBytes }] of readings.entries()) {
      const grown = residentBytes - (readings[index - 1]?.residentBytes ?? 0);
      const each = index === 0 ? '' : `   ${(grown / STEP / 1_024).toFixed(1)} KiB for each of the last ${STEP}`;
      const mib = (residentBytes / 2 ** 20).toFixed(1);
      console.log(`${`${connections}`.padStart(6)} connections  ${mib.padStart(6)} MiB${each}`);
    }
  } finally {
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    backend.close();
  }
}
