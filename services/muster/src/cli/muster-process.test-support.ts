/** Runs `muster` for tests as a person does: a process of its own, against a real admin API. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startAdmin, type AdminHarness } from '../admin/node-harness.ts';

export const MUSTER = fileURLToPath(new URL('../../bin/muster.mjs', import.meta.url));

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
  const env = { PATH: process.env['PATH'] ?? '', MUSTER_ADMIN: admin?.url ?? NOBODY, ...environment };
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
  for (const args of [
    ['pool', 'add', 'spells', '--connect-timeout-ms', '400', '--health-http', '/healthz', '--rise', '1'],
    ['backend', 'add', 'spells', 'spells-1', '--target', '127.0.0.1:8001'],
    ['listener', 'add', 'web', '--bind', '127.0.0.1:8080', '--pool', 'spells'],
  ]) {
    const { code, stderr } = await muster(args, { admin });
    if (code !== 0) throw new Error(stderr);
  }
  return admin;
}

export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'muster-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
