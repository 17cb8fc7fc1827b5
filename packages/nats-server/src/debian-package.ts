/**
 * Programs out of Debian packages, without installing them: no user, no service, no change to the system.
 *
 * apt is asked which mirrors this machine uses and does the download, so its proxies, keys and settings count. What is unpacked is
 * kept in `node_modules/.cache/nats-server` at the repository's root. Each process unpacks into a folder of its own and
 * renames that into place, so that many may do it at once.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/nats-server', import.meta.url));
const APT_HELPER = '/usr/lib/apt/apt-helper';
const DOWNLOAD_TIMEOUT_MS = 60_000;
/** A mirror that does not answer is given up soon: whoever asks would rather skip than wait. */
const APT_OPTIONS = ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=10', '-o', 'Acquire::https::Timeout=10'];
const PROGRAM = 'nats-server';

/** A package of another suite than this machine's, which stands in the same pool. */
export interface PinnedPackage {
  /** For example `2.10.27-1+b2`. */
  readonly version: string;
  readonly sha256: string;
  readonly architecture: string;
}

/** Path of the program. Rejects where there is no apt, no mirror that answers, or no such package any more. */
export async function pinnedProgram({ version, sha256, architecture }: PinnedPackage): Promise<string> {
  const file = `nats-server_${version}_${architecture}.deb`;
  return cached(`${version}-${architecture}`, async (folder) => {
    let refusal: unknown = new Error('apt knows no mirror');
    for (const mirror of await mirrors()) {
      const uri = `${mirror}pool/main/n/nats-server/${file}`;
      try {
        await bounded(APT_HELPER, [...APT_OPTIONS, 'download-file', uri, join(folder, file), `SHA256:${sha256}`]);
        return;
      } catch (error) {
        refusal = error;
      }
    }
    throw refusal;
  });
}

/** The program of the package that this machine's suite has, for a machine where it is not installed. */
export async function candidateProgram(mayUpdate: boolean): Promise<string> {
  return cached('candidate', async (folder) => {
    const download = async () => bounded('apt-get', [...APT_OPTIONS, 'download', PROGRAM], folder);
    try {
      await download();
    } catch (error) {
      if (!mayUpdate) throw error;
      // The lists of packages are missing or name one that has been replaced since.
      await bounded('apt-get', [...APT_OPTIONS, 'update'], folder);
      await download();
    }
  });
}

async function cached(name: string, download: (folder: string) => Promise<void>): Promise<string> {
  const program = join(CACHE, name, PROGRAM);
  if (existsSync(program)) return program;
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, '.partial-'));
  try {
    await download(folder);
    await unpack(folder);
    await rename(join(folder, 'done'), join(CACHE, name));
  } catch (error) {
    if (!existsSync(program)) throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return program;
}

async function unpack(folder: string): Promise<void> {
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error('apt downloaded no package');
  await bounded('dpkg-deb', ['-x', join(folder, archive), join(folder, 'tree')]);
  await mkdir(join(folder, 'done'));
  await copyFile(join(folder, 'tree/usr/sbin', PROGRAM), join(folder, 'done', PROGRAM));
}

/** Their base URIs, each with a slash at its end. */
async function mirrors(): Promise<string[]> {
  const format = ['--format', '$(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = await bounded('apt-get', ['indextargets', ...format]);
  const uris = stdout.split('\n').filter((line) => line !== '');
  return [...new Set(uris.map((uri) => (uri.endsWith('/') ? uri : `${uri}/`)))];
}

async function bounded(command: string, args: readonly string[], cwd = CACHE): Promise<{ stdout: string }> {
  return run(command, args, { cwd, timeout: DOWNLOAD_TIMEOUT_MS });
}
