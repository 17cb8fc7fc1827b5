/**
 * Where a nats-server of a given version is on this machine, fetched where it can be.
 *
 * An absent program is an expected outcome, told in one line: machines without Debian's packages run every test but those.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { candidateProgram, pinnedProgram } from './debian-package.ts';
import type { NatsServerProgram, NatsServerUnavailable, NatsServerVersion } from './nats-server.ts';

const run = promisify(execFile);

const VERSION_TIMEOUT_MS = 10_000;
/** The first one is looked for on the PATH, which of an ordinary user often lacks the next. */
const INSTALLED_PATHS = ['nats-server', '/usr/sbin/nats-server', '/usr/local/sbin/nats-server'];
const HINT = 'apt-get install nats-server, or put nats-server on the PATH';

/**
 * 2.10 is of a stable suite and stays; 2.15 is of the unstable one, whose pool drops a version when the next one comes. Then
 * it is unavailable until the pin is moved.
 */
const PINS = {
  '2.10': {
    version: '2.10.27-1+b2',
    sha256ByArchitecture: {
      amd64: '6d913ac987b78734c08537c2adeb1526cf735f216173a9170d94b185fcfe6f8a',
      arm64: '0c9a617510b28c1b4fb4a38aabea6ab8cd7f026247f2abdff8b955b2278ce049',
    },
  },
  '2.15': {
    version: '2.15.1-1',
    sha256ByArchitecture: {
      amd64: '31ef4ceaa84e8248d449e508472e3770c17c3695cb5cb0ee96e03912724ea884',
      arm64: '68923b614b6b5594bbd63ffdce7258c2155ec448fb4cb7efd099bf9273eca128',
    },
  },
} as const;

/** Found or fetched once in a process, an absence too: nobody waits twice for a mirror that does not answer. */
const found = new Map<NatsServerVersion, Promise<NatsServerProgram | NatsServerUnavailable>>();

/** Never rejects. The first call may take as long as a download of 5 MB, at most about a minute. */
export async function natsServerProgram(
  version: NatsServerVersion,
): Promise<NatsServerProgram | NatsServerUnavailable> {
  const known = found.get(version);
  if (known !== undefined) return known;
  const search = version === 'system' ? systemProgram() : fetchedProgram(version);
  found.set(version, search);
  return search;
}

/** The newest that can be had of those that keep per-subject expectations with three replicas (2.10 and later). */
export async function newestNatsServer(): Promise<NatsServerProgram | NatsServerUnavailable> {
  const reasons: string[] = [];
  for (const version of ['2.15', '2.10', 'system'] as const) {
    const program = await natsServerProgram(version);
    if ('unavailable' in program) reasons.push(program.unavailable);
    else if (isAtLeast210(program.version)) return program;
    else reasons.push(`the system's nats-server is ${program.version}, older than 2.10`);
  }
  return { unavailable: reasons.join('; ') };
}

function isAtLeast210(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

async function systemProgram(): Promise<NatsServerProgram | NatsServerUnavailable> {
  for (const path of INSTALLED_PATHS) {
    try {
      return await inspect(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return { unavailable: reasonLine(error) };
    }
  }
  try {
    return await inspect(await candidateProgram(process.getuid?.() === 0));
  } catch (error) {
    return { unavailable: `no nats-server on this machine (${reasonLine(error)}); ${HINT}` };
  }
}

async function fetchedProgram(name: keyof typeof PINS): Promise<NatsServerProgram | NatsServerUnavailable> {
  const { version, sha256ByArchitecture } = PINS[name];
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  if (process.platform !== 'linux' || (architecture !== 'amd64' && architecture !== 'arm64')) {
    return { unavailable: `no package of nats-server ${name} for ${process.platform} on ${process.arch}` };
  }
  try {
    const sha256 = sha256ByArchitecture[architecture];
    return await inspect(await pinnedProgram({ version, sha256, architecture }));
  } catch (error) {
    return { unavailable: `nats-server ${name} (${version}) cannot be fetched with apt: ${reasonLine(error)}` };
  }
}

/** Runs it: a program for another C library or architecture is as good as none. */
async function inspect(path: string): Promise<NatsServerProgram> {
  const { stdout } = await run(path, ['--version'], { timeout: VERSION_TIMEOUT_MS });
  const version = /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${path} --version says ${JSON.stringify(stdout.slice(0, 80))}`);
  return { path, version };
}

/** Of a failed command: what it wrote last, for that is where apt says why. */
function reasonLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const lines = (stderr ?? '').split('\n').filter((line) => line.startsWith('E: '));
  return (lines.at(-1) ?? message).split('\n')[0]!;
}
