/** A TCP proxy before a NATS server that can lose the server's answers, or all connections. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface LossyProxy extends AsyncDisposable {
  readonly url: string;
  /** From now on nothing that the server says arrives, on the connections that there are. */
  loseAnswers(): void;
  /** Cuts all connections; new ones are taken where `isOpen`, else refused. */
  cut(isOpen: boolean): void;
  /** Takes connections again. */
  open(): void;
}

export async function startLossyProxy(serverPort: number): Promise<LossyProxy> {
  const pairs = new Map<Socket, { isLosing: boolean }>();
  let isOpen = true;
  const listener = createServer((client) => {
    if (!isOpen) return client.destroy();
    const server = connect(serverPort, '127.0.0.1');
    const pair = { isLosing: false };
    pairs.set(client, pair);
    client.pipe(server);
    server.on('data', (bytes) => !pair.isLosing && client.write(bytes));
    // What one side suffers, the other is told by a cut, as a real network would.
    const end = (): void => {
      pairs.delete(client);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    return undefined;
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = (staysOpen: boolean): void => {
    isOpen = staysOpen;
    for (const client of pairs.keys()) client.destroy();
  };
  return {
    url: `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    loseAnswers: () => {
      for (const pair of pairs.values()) pair.isLosing = true;
    },
    cut,
    open: () => {
      isOpen = true;
    },
    [Symbol.asyncDispose]: async () => {
      cut(false);
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
