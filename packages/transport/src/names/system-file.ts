/**
 * A text file of the system that is read again when it has changed: /etc/hosts, /etc/resolv.conf.
 *
 * It is looked at when somebody asks for a name, at most once a second, and never watched: a watch is deaf after the file was
 * replaced, which is how both are written. What cannot be read counts as empty.
 */
import { readFile, stat } from 'node:fs/promises';
import type { DialClock } from './resolver-settings.ts';

const CHECK_INTERVAL_MS = 1_000;
/** A larger file is not read: 16 MiB, a hundred times a long block list. */
const FILE_BYTES_MAX = 16 * 1_048_576;

export class SystemFile<Content> {
  readonly #path: string;
  readonly #parse: (text: string) => Content;
  readonly #clock: DialClock;
  #content: Content;
  #version = '';
  #checkedMs = -Infinity;
  #checking: Promise<Content> | null = null;

  constructor(path: string, parse: (text: string) => Content, clock: DialClock) {
    this.#path = path;
    this.#parse = parse;
    this.#clock = clock;
    this.#content = parse('');
  }

  /** What it says, as of at most a second ago. The same object as long as it did not change. Never rejects. */
  read(): Promise<Content> {
    if (this.#checking !== null) return this.#checking;
    if (this.#clock.nowMs() - this.#checkedMs < CHECK_INTERVAL_MS) return Promise.resolve(this.#content);
    this.#checking = this.#check().finally(() => {
      this.#checking = null;
      this.#checkedMs = this.#clock.nowMs();
    });
    return this.#checking;
  }

  async #check(): Promise<Content> {
    const { version, text } = await contentOf(this.#path, this.#version);
    if (text !== null) this.#content = this.#parse(text);
    this.#version = version;
    return this.#content;
  }
}

/** Text null: it is still as it was in `knownVersion`. */
async function contentOf(path: string, knownVersion: string): Promise<{ version: string; text: string | null }> {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    const version = `${size} ${mtimeMs} ${ino}`;
    if (version === knownVersion) return { version, text: null };
    return { version, text: size > FILE_BYTES_MAX ? '' : await readFile(path, 'latin1') };
  } catch {
    return { version: 'unreadable', text: knownVersion === 'unreadable' ? null : '' };
  }
}
