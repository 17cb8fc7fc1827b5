/**
 * Where each key of a TOML text stands, so that a complaint about a value can name its line.
 *
 * The parser gives values without places. This scanner walks a text that the parser has accepted already, and notes the
 * line of every table header, key, array element and inline table by its path. It checks nothing: on a text that is not
 * TOML it notes something or other, and never fails.
 */

import type { KeyPath } from '@muster/questions';

export interface TomlLines {
  /** Line of a path, from 1. Of the nearest table around it where the path itself is not in the text; else 1. */
  lineOf(path: KeyPath): number;
}

export function locateToml(text: string): TomlLines {
  const scanner = new Scanner(text);
  scanner.scan();
  return {
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const line = scanner.linesByPath.get(keyOf(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}

function keyOf(path: KeyPath): string {
  return JSON.stringify(path);
}

const BARE_KEY = /[A-Za-z0-9_-]+/y;
const SPACE = /[ \t\r]*/y;
const SPACE_AND_LINES = /(?:[ \t\r\n]+|#[^\n]*)*/y;
/** Everything that is neither a string nor a bracket: numbers, dates, true, false. */
const SCALAR = /[^,\]}\n#]*/y;
const REST_OF_LINE = /[^\n]*/y;
const LITERALS = [
  { open: '"""', body: /"""(?:[^\\]|\\[^])*?"{3,5}/y },
  { open: "'''", body: /'''[^]*?'{3,5}/y },
  { open: '"', body: /"(?:[^"\\\n]|\\.)*"?/y },
  { open: "'", body: /'[^'\n]*'?/y },
] as const;

class Scanner {
  readonly linesByPath = new Map<string, number>();
  readonly #text: string;
  readonly #tablesCountByPath = new Map<string, number>();
  #at = 0;
  #line = 1;
  #lineCountedUpTo = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): void {
    let table: KeyPath = [];
    for (;;) {
      this.#take(SPACE_AND_LINES);
      if (this.#at >= this.#text.length) return;
      const start = this.#at;
      if (this.#text[this.#at] === '[') table = this.#header();
      else this.#pair(table);
      this.#take(REST_OF_LINE);
      if (this.#at === start) this.#at += 1;
    }
  }

  /** `[a.b]` or `[[a.b]]`; what follows belongs to the table at the path returned. */
  #header(): KeyPath {
    const line = this.#lineHere();
    const isArray = this.#text.startsWith('[[', this.#at);
    this.#at += isArray ? 2 : 1;
    const keys = this.#dottedKey();
    const path = isArray ? this.#newTable(keys, line) : this.#resolve(keys);
    this.#note(path, line);
    return path;
  }

  /** The next table of an array; the first one is also the array's own place. */
  #newTable(keys: readonly string[], line: number): KeyPath {
    const array = [...this.#resolve(keys.slice(0, -1)), keys.at(-1) ?? ''];
    const index = this.#tablesCountByPath.get(keyOf(array)) ?? 0;
    this.#tablesCountByPath.set(keyOf(array), index + 1);
    this.#note(array, line);
    return [...array, index];
  }

  /** A name that stands for an array of tables means the newest of them. */
  #resolve(keys: readonly string[]): KeyPath {
    let path: KeyPath = [];
    for (const key of keys) {
      path = [...path, key];
      const count = this.#tablesCountByPath.get(keyOf(path));
      if (count !== undefined) path = [...path, count - 1];
    }
    return path;
  }

  #pair(table: KeyPath): void {
    const line = this.#lineHere();
    const keys = this.#dottedKey();
    for (let length = 1; length <= keys.length; length++) this.#note([...table, ...keys.slice(0, length)], line);
    this.#take(SPACE);
    if (this.#text[this.#at] !== '=') return;
    this.#at += 1;
    this.#value([...table, ...keys]);
  }

  #dottedKey(): string[] {
    const keys: string[] = [];
    for (;;) {
      this.#take(SPACE);
      keys.push(this.#keyPart());
      this.#take(SPACE);
      if (this.#text[this.#at] !== '.') return keys;
      this.#at += 1;
    }
  }

  #keyPart(): string {
    const quoted = this.#literal();
    if (quoted === null) return this.#take(BARE_KEY);
    if (!quoted.startsWith('"')) return quoted.slice(1, -1);
    try {
      return String(JSON.parse(quoted));
    } catch {
      // An escape that JSON does not have. The place is then found by the table around it.
      return quoted;
    }
  }

  #value(path: KeyPath): void {
    this.#take(SPACE);
    const opening = this.#text[this.#at];
    if (opening === '[') this.#array(path);
    else if (opening === '{') this.#inlineTable(path);
    else if (this.#literal() === null) this.#take(SCALAR);
  }

  #array(path: KeyPath): void {
    this.#at += 1;
    for (let index = 0; ; index++) {
      this.#take(SPACE_AND_LINES);
      if (this.#closes(']')) return;
      this.#note([...path, index], this.#lineHere());
      this.#value([...path, index]);
      this.#take(SPACE_AND_LINES);
      if (this.#text[this.#at] !== ',') return void this.#closes(']');
      this.#at += 1;
    }
  }

  #inlineTable(path: KeyPath): void {
    this.#at += 1;
    for (;;) {
      this.#take(SPACE_AND_LINES);
      if (this.#closes('}')) return;
      this.#pair(path);
      this.#take(SPACE_AND_LINES);
      if (this.#text[this.#at] !== ',') return void this.#closes('}');
      this.#at += 1;
    }
  }

  #closes(bracket: string): boolean {
    if (this.#at < this.#text.length && this.#text[this.#at] !== bracket) return false;
    this.#at += 1;
    return true;
  }

  #literal(): string | null {
    for (const { open, body } of LITERALS) {
      if (this.#text.startsWith(open, this.#at)) return this.#take(body);
    }
    return null;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += taken.length;
    return taken;
  }

  #note(path: KeyPath, line: number): void {
    const key = keyOf(path);
    if (!this.linesByPath.has(key)) this.linesByPath.set(key, line);
  }

  #lineHere(): number {
    for (; this.#lineCountedUpTo < this.#at; this.#lineCountedUpTo++) {
      if (this.#text[this.#lineCountedUpTo] === '\n') this.#line += 1;
    }
    return this.#line;
  }
}
