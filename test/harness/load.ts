/**
 * A bounded load of short connections against one listener: each connects, reads the backend's greeting, echoes a line
 * and closes. Every failure is kept with its time, so that a test can say which ones it allows.
 */
import { openClient } from './client.ts';

export interface LoadFailure {
  /** performance.now() when the connection was begun. */
  readonly begunMs: number;
  readonly failedMs: number;
  readonly message: string;
}

export interface Load {
  readonly failures: readonly LoadFailure[];
  /** Connections that did all they should. */
  succeededCount(): number;
  /** Lets the connections under way end and stops. */
  stop(): Promise<void>;
}

/** `clients` connections at a time, one after another each, until `stop`. */
export function startLoad(address: { host: string; port: number }, clients: number): Load {
  const failures: LoadFailure[] = [];
  let succeededCount = 0;
  const stopping = new AbortController();
  const client = async () => {
    while (!stopping.signal.aborted) {
      const begunMs = performance.now();
      try {
        await oneConnection(address);
        succeededCount++;
      } catch (error) {
        failures.push({ begunMs, failedMs: performance.now(), message: String(error) });
      }
    }
  };
  const running = Array.from({ length: clients }, client);
  return {
    failures,
    succeededCount: () => succeededCount,
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

async function oneConnection(address: { host: string; port: number }): Promise<void> {
  await using client = await openClient(address);
  if ((await client.greeting()) === 'closed') throw new Error('closed without a greeting');
  await client.echo('hello');
}
