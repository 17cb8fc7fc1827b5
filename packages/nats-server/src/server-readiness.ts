/**
 * When a server can be used: it greets its clients, and in a cluster its JetStream has a leader and all members.
 *
 * Polling over TCP and HTTP, with no client library: what is waited for is the server, not somebody's view of it.
 */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const POLL_INTERVAL_MS = 20;
const ATTEMPT_TIMEOUT_MS = 1000;

export interface Until {
  /** Rejecting reason of a wait that was given up: the process has ended. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Completes the sentence "timed out waiting for …". */
  readonly what: string;
}

/** Asks again and again until the answer is true. */
export async function until(isSo: () => Promise<boolean>, { signal, timeoutMs, what }: Until): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isSo())) {
    signal.throwIfAborted();
    if (performance.now() > deadlineMs) throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}`);
    await wait(POLL_INTERVAL_MS);
  }
}

/** Whether a server greets who connects: `INFO {…}` is the first thing that it says, also where it asks for TLS then. */
export async function greets(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: ATTEMPT_TIMEOUT_MS });
  try {
    return await new Promise((resolve) => {
      socket.once('data', (head) => resolve(head.toString('latin1').startsWith('INFO ')));
      for (const event of ['end', 'timeout', 'error']) socket.once(event, () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

interface JetStreamInfo {
  readonly meta_cluster?: { readonly leader?: string; readonly cluster_size?: number };
}

/** Whether this server knows a JetStream leader, counts that many members, and says that it is healthy. */
export async function jetStreamStands(base: string, memberCount: number): Promise<boolean> {
  const info = (await monitored(`${base}/jsz`)) as JetStreamInfo | null;
  const cluster = info?.meta_cluster;
  if ((cluster?.leader ?? '') === '' || cluster?.cluster_size !== memberCount) return false;
  return (await monitored(`${base}/healthz`)) !== null;
}

/** The JSON of a 200, else null. */
async function monitored(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS) });
    const body: unknown = await response.json();
    return response.ok ? body : null;
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}
