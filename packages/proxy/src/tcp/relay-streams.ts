/**
 * The relay as a library: whatever yields duplex streams is the listener, whatever gives one is the dial.
 *
 *     await relayStreams({ listener: connectionsOf(tlsServer), dial: () => connectTo('10.0.0.5', 8001) });
 *
 * The same manners as the data plane (half-close kept, backpressure both ways, nothing cut, a failure on one side ends
 * the other), on Node's stream interface, so that TLS, Unix sockets, child processes or two ends in memory all do. It
 * does not choose backends, count or set timeouts: a `dial` may do all of that. For TCP at volume use `DataPlane`.
 */
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface RelayStreamsOptions {
  /** Streams that were accepted. The relay runs until it ends and every stream is done. */
  readonly listener: AsyncIterable<Duplex>;
  /** Called once for each accepted stream, which is destroyed if it rejects. Dials do not wait for each other. */
  readonly dial: () => Promise<Duplex>;
  /** Streams relayed at a time; at the limit the newest is destroyed at once. Default 8,192. */
  readonly maxConnections?: number;
  /** Told how each one ended: null for well, else why the dial or a direction failed. Default: nobody. */
  readonly onEnd?: (error: Error | null) => void;
}

const MAX_CONNECTIONS_DEFAULT = 8_192;

/** Relays each accepted stream to a dialled one. Rejects only if the listener does, after the open ones are done. */
export async function relayStreams(options: RelayStreamsOptions): Promise<void> {
  const { listener, dial, maxConnections = MAX_CONNECTIONS_DEFAULT, onEnd = () => undefined } = options;
  const open = new Set<Promise<void>>();
  try {
    for await (const downstream of listener) {
      if (open.size >= maxConnections) {
        downstream.destroy();
        onEnd(new Error(`the limit of ${maxConnections} connections is reached`));
        continue;
      }
      const relayed = relayOne(downstream, dial).then(onEnd);
      const settled = relayed.finally(() => open.delete(settled));
      open.add(settled);
    }
  } finally {
    await Promise.all(open);
  }
}

async function relayOne(downstream: Duplex, dial: () => Promise<Duplex>): Promise<Error | null> {
  // An accepted stream may fail while the dial is under way; the pipelines below see that it has.
  downstream.on('error', () => undefined);
  let upstream: Duplex;
  try {
    upstream = await dial();
  } catch (error) {
    downstream.destroy();
    return error as Error;
  }
  try {
    await Promise.all([pipeline(downstream, upstream), pipeline(upstream, downstream)]);
    return null;
  } catch (error) {
    return error as Error;
  } finally {
    downstream.destroy();
    upstream.destroy();
  }
}
