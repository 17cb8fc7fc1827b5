/** A server, a link to it and a folder, for this package's tests; all are gone when the test ends. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { natsServerProgram, startNatsServer, type NatsServer } from '@muster/nats-server';
import type { NatsAccess } from '../src/nats-access.ts';
import { openNatsLink, type NatsLink, type NatsLinkOptions } from '../src/nats-link.ts';

export const program = await natsServerProgram('system');
if ('unavailable' in program) process.stderr.write(`skipped: ${program.unavailable}\n`);

export class LinkHarness implements AsyncDisposable {
  readonly #folder: string;
  readonly #stack = new AsyncDisposableStack();

  constructor(folder: string) {
    this.#folder = folder;
    this.#stack.defer(async () => rm(folder, { recursive: true, force: true }));
  }

  /** One per test. */
  async server(configLines = ''): Promise<NatsServer> {
    if ('unavailable' in program) throw new Error(program.unavailable);
    return this.#stack.use(await startNatsServer({ program, folder: join(this.#folder, 'server'), configLines }));
  }

  link(access: Partial<NatsAccess>, options: NatsLinkOptions = {}): NatsLink {
    const link = openNatsLink({ servers: [], name: 'test', ...access }, options);
    this.#stack.defer(async () => link.close());
    return link;
  }

  /** Its path. */
  async file(name: string, text: string): Promise<string> {
    const path = join(this.#folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

export async function linkHarness(): Promise<LinkHarness> {
  return new LinkHarness(await mkdtemp(join(tmpdir(), 'muster-link-')));
}

/** Resolves at the next change to that state, or now. */
export async function toBe(link: NatsLink, wanted: boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unwatch = link.watch((isConnected) => isConnected === wanted && resolve());
  await promise.finally(unwatch);
}

/** Resolves with the first reason, now or later, that the pattern fits. */
export async function reasonFrom(link: NatsLink, pattern: RegExp): Promise<string> {
  for (;;) {
    const { awayReason } = link;
    if (awayReason !== null && pattern.test(awayReason)) return awayReason;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
