/** Runs `muster` for tests as a person does: a process of its own, against a real admin API. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandInput } from '@muster/membership';
import { startAdmin, type AdminHarness } from '@muster/admin/testing';
import { AdminClient } from '../src/admin-client.ts';

export const MUSTER = fileURLToPath(new URL('../../../services/muster/bin/muster.mjs', import.meta.url));

const { PATH = '', NODE_COMPILE_CACHE } = process.env;
/** Nothing but what finds programs, and what halves the time in which one starts. */
export const BARE_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH,
  ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }),
};

/** Nobody listens there. Ports of that kind are not handed out by the system. */
export const NOBODY = 'http://127.0.0.1:2';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Where {
  readonly admin?: AdminHarness;
  readonly cwd?: string;
  readonly environment?: Record<string, string>;
}

/** Runs `muster` to its end. Without a node it asks one that nobody runs. */
export async function muster(args: readonly string[], { admin, cwd, environment = {} }: Where = {}): Promise<Ran> {
  const env = { ...BARE_ENVIRONMENT, MUSTER_ADMIN: admin?.url ?? NOBODY, ...environment };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MUSTER, ...args],
      { env, ...(cwd !== undefined && { cwd }) },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
      },
    );
  });
}

/** A node with pool `spells`, backend `spells-1` and listener `web`, at revision 3. */
export async function withSpells(): Promise<AdminHarness> {
  const admin = await startAdmin();
  // Published as by the command line, without a process for each.
  const client = new AdminClient({ url: admin.url, token: null });
  const commands: readonly CommandInput[] = [
    { type: 'DefinePool', pool: 'spells', connectTimeoutMs: 400, health: { http: '/healthz', rise: 1 } },
    { type: 'RegisterBackend', pool: 'spells', backend: 'spells-1', target: '127.0.0.1:8001' },
    { type: 'DefineListener', listener: 'web', bind: '127.0.0.1:8080', pool: 'spells' },
  ];
  for (const command of commands) await client.post('/v1/commands', command);
  return admin;
}

export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'muster-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
