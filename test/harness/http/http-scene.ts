/** One node with one HTTP backend behind it: what the tests of real clients talk to. */
import type { RequestListener } from 'node:http';
import { startHttpBackend, type HttpBackend } from './http-backend.ts';
import type { Address } from './http-client.ts';
import { oneHttpPool, startTestNode, testFolder, type TestNode } from '../node.ts';

export interface HttpScene extends AsyncDisposable {
  readonly backend: HttpBackend;
  readonly node: TestNode;
  readonly address: Address;
  /** `http://127.0.0.1:PORT`, of the node's listener. */
  readonly url: string;
}

export async function startHttpScene(
  serve: RequestListener,
  options: Parameters<typeof oneHttpPool>[1] = {},
): Promise<HttpScene> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await testFolder());
  const backend = starting.use(await startHttpBackend(serve));
  const node = starting.use(await startTestNode({ folder, config: oneHttpPool([backend.target], options) }));
  const address = await node.address('front');
  const all = starting.move();
  return {
    backend,
    node,
    address,
    url: `http://${address.host}:${address.port}`,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
