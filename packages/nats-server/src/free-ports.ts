/**
 * Ports for servers that must come back on the same one, or whose port must be known before they start.
 *
 * They are taken from below the range that systems hand to outgoing connections (from 32,768 up): while a server is down, a
 * client that dials it again and again could otherwise be given the very port that it dials and be connected to itself.
 *
 * A port is free when this returns; nothing keeps it so until the server binds it. Test files that run side by side are
 * processes of their own, so each process draws from a slice of the range that its id chooses.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

const PORT_FROM = 12_000;
const SLICE_PORTS = 1_000;
/** Up to port 32,000. */
const SLICES = 20;
const ATTEMPTS_PER_PORT = 50;

/** What this process was given, since who was given a port may not listen on it yet, or not at the moment. */
const drawn = new Set<number>();

/** That many different ports, none of which this process was given lately. Throws where hardly any is left. */
export async function freePorts(count: number, host: string): Promise<number[]> {
  const held = new Map<number, Server>();
  if (drawn.size + count > SLICE_PORTS / 2) drawn.clear();
  const from = PORT_FROM + (process.pid % SLICES) * SLICE_PORTS;
  try {
    for (let attempt = 0; held.size < count; attempt++) {
      if (attempt >= count * ATTEMPTS_PER_PORT) throw new Error(`no free port on ${host} in ${attempt} attempts`);
      const port = randomInt(from, from + SLICE_PORTS);
      if (drawn.has(port)) continue;
      const holder = await hold(port, host);
      if (holder === null) continue;
      drawn.add(port);
      held.set(port, holder);
    }
    return [...held.keys()];
  } finally {
    await Promise.all(held.values().map(async (holder) => once(holder.close(), 'close')));
  }
}

/** Null when somebody else has it. */
async function hold(port: number, host: string): Promise<Server | null> {
  const holder = createServer();
  try {
    await once(holder.listen(port, host), 'listening');
    return holder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') return null;
    throw error;
  }
}
