/**
 * A network of its own for processes, joined to this one by a cable that a test can pull: a Linux network namespace and a
 * veth pair. It needs root and iproute2; where they are not to be had, `startNamespace` says why, and the caller does with
 * less (see `wire.ts`, and SIGSTOP).
 *
 *     this network ── 10.213.n.1 ═══ cable ═══ 10.213.n.2 ── the namespace, with a loopback of its own
 */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Namespace extends AsyncDisposable {
  /** What to put in front of a command so that it runs inside. */
  readonly prefix: readonly string[];
  /** This side's address, as the namespace sees it. */
  readonly outerHost: string;
  /** The namespace's address, as this side sees it. */
  readonly innerHost: string;
  /** Packets are lost from now on, in both directions; nobody is told. */
  pullCable(): Promise<void>;
  plugIn(): Promise<void>;
}

/** Tries a few subnets, since others may run tests on the same machine. */
const ATTEMPTS = 8;

export async function startNamespace(): Promise<Namespace | { readonly unavailable: string }> {
  let reason = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const subnet = randomInt(1, 255);
    const name = `muster-${process.pid}-${subnet}`;
    try {
      return await makeNamespace(name, subnet);
    } catch (error) {
      reason = String((error as { stderr?: string }).stderr ?? error).trim();
      await run('ip', ['netns', 'del', name]).catch(() => undefined);
      if (!reason.includes('exists')) break;
    }
  }
  return { unavailable: `network namespaces cannot be used here: ${reason}` };
}

async function makeNamespace(name: string, subnet: number): Promise<Namespace> {
  const outer = `mt${process.pid % 100_000}-${subnet}o`;
  const inner = `mt${process.pid % 100_000}-${subnet}i`;
  const [outerHost, innerHost] = [`10.213.${subnet}.1`, `10.213.${subnet}.2`];
  const ip = (...args: string[]) => run('ip', args);
  await ip('netns', 'add', name);
  await ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name);
  await ip('address', 'add', `${outerHost}/30`, 'dev', outer);
  await ip('-n', name, 'address', 'add', `${innerHost}/30`, 'dev', inner);
  await ip('-n', name, 'link', 'set', 'lo', 'up');
  await ip('-n', name, 'link', 'set', inner, 'up');
  await ip('link', 'set', outer, 'up');
  return {
    prefix: ['ip', 'netns', 'exec', name],
    outerHost,
    innerHost,
    pullCable: async () => void (await ip('link', 'set', outer, 'down')),
    plugIn: async () => void (await ip('link', 'set', outer, 'up')),
    // The cable goes with the namespace.
    [Symbol.asyncDispose]: async () => void (await ip('netns', 'del', name)),
  };
}
