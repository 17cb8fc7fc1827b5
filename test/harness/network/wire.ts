/**
 * A stretch of network that a test can cut: a TCP forwarder in front of one server.
 *
 * `cut` is what a partition looks like from both ends: connections stay open, bytes go nowhere, new connections are taken
 * and hear nothing. `sever` is what a firewall that answers looks like: connections are reset and new ones refused.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Wire extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Nothing passes any more, in either direction, and nobody is told. */
  cut(): void;
  /** Resets what is open and lets nobody in. */
  sever(): void;
  /** New connections pass again. Those that were cut in the middle are reset, as after a long partition. */
  mend(): void;
  /** Everything passes again, also what was sent into the cut: as after one that was shorter than TCP's patience. */
  resume(): void;
}

interface Ends {
  readonly near: Socket;
  readonly far: Socket;
}

/** `host`: where it listens. Default 127.0.0.1. */
export async function startWire(
  target: { readonly host: string; readonly port: number },
  { host = '127.0.0.1' } = {},
): Promise<Wire> {
  let state: 'whole' | 'cut' | 'severed' = 'whole';
  const open = new Set<Ends>();
  const close = (ends: Ends): void => {
    open.delete(ends);
    ends.near.destroy();
    ends.far.destroy();
  };
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (near) => {
    if (state === 'severed') {
      near.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const far = connect({ ...target, noDelay: true });
    const ends: Ends = { near, far };
    open.add(ends);
    for (const socket of [near, far]) socket.on('error', () => close(ends)).on('close', () => close(ends));
    if (state === 'whole') join(ends);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    host,
    port: (server.address() as AddressInfo).port,
    cut: () => {
      state = 'cut';
      for (const { near, far } of open) {
        near.unpipe(far).pause();
        far.unpipe(near).pause();
      }
    },
    sever: () => {
      state = 'severed';
      for (const { near } of open) near.resetAndDestroy();
    },
    mend: () => {
      if (state === 'cut') for (const { near } of open) near.resetAndDestroy();
      state = 'whole';
    },
    resume: () => {
      state = 'whole';
      for (const ends of open) join(ends);
    },
    [Symbol.asyncDispose]: async () => {
      for (const ends of open) close(ends);
      server.close();
      await once(server, 'close');
    },
  };
}

function join({ near, far }: Ends): void {
  near.pipe(far);
  far.pipe(near);
}
