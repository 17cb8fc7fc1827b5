/** The ports of a demo: options that move them, checked before anything starts. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { fail } from './fail.ts';

export const HOST = '127.0.0.1';

export interface PortOption {
  /** The first port, unless the option says another. */
  readonly first: number;
  /** So many ports in a row. */
  readonly count: number;
  /** Where to look next when one is taken: so much further up. */
  readonly stride: number;
  /** Completes "where …". */
  readonly what: string;
}

/** The first port of each option. Ends the process with one line where an option is wrong or a port is taken. */
export async function readDemoPorts<Name extends string>(
  command: string,
  options: Readonly<Record<Name, PortOption>>,
): Promise<Record<Name, number>> {
  const entries = Object.entries(options) as [Name, PortOption][];
  const ports = parsePorts(command, entries);
  for (const [name, { count, stride }] of entries) {
    for (let port = ports[name]; port < ports[name] + count; port++) {
      const code = await bindError(port);
      if (code === null) continue;
      const what = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${code})`;
      const remedy = `stop that one, or choose another: ${command} --${name} ${ports[name] + stride}`;
      fail(`port ${port} on ${HOST} ${what}; ${remedy}`);
    }
  }
  return ports;
}

function parsePorts<Name extends string>(
  command: string,
  entries: readonly [Name, PortOption][],
): Record<Name, number> {
  const flags = Object.fromEntries(entries.map(([name]) => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({ options: flags });
    const ports = entries.map(([name, option]) => [name, portOf(name, option, values[name])]);
    return Object.fromEntries(ports) as Record<Name, number>;
  } catch (error) {
    return fail(`${(error as Error).message}\n${usage(command, entries)}`);
  }
}

function portOf(name: string, { first, count }: PortOption, text = `${first}`): number {
  const port = Number(text);
  const portMax = 65_536 - count;
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= portMax) return port;
  throw new Error(`--${name} must be a port from 1 to ${portMax}, not "${text}"`);
}

function usage(command: string, entries: readonly [string, PortOption][]): string {
  const options = entries.map(([name]) => `[--${name} PORT]`).join(' ');
  const lines = entries.map(([name, { first, what }]) => `  ${`--${name} PORT`.padEnd(16)}where ${what} (${first})`);
  return `usage: ${command} ${options}\n\n${lines.join('\n')}`;
}

/** The system's error code, or null when the port is free. */
async function bindError(port: number): Promise<string | null> {
  const server = createServer();
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  } finally {
    server.close();
  }
}
