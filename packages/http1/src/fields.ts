/**
 * The `fields` of a head as a list that filters may read and change, and one look-up that needs no list.
 *
 * What is set is checked, so that no filter can end a line, or a message, with what it took from somewhere; and the fields that say
 * where a body ends, what a connection does and whom the request is for are not theirs to touch: the data plane writes those.
 */
import { COLON, isAll, TOKEN, trimmed, VALUE } from './characters.ts';

/** Value of the first field of that name (given in lower case) in a `fields` text, without whitespace around it; else null. */
export function fieldValue(fields: string, lowerCaseName: string): string | null {
  for (let from = 0; from < fields.length;) {
    const lineFeed = fields.indexOf('\n', from);
    if (isNamed(fields, from, lowerCaseName)) return trimmed(fields, from + lowerCaseName.length + 1, lineFeed - 1);
    from = lineFeed + 1;
  }
  return null;
}

/** The values of all fields of that name (given in lower case) as one list with that separator between them; else null. */
export function joinedValues(fields: string, lowerCaseName: string, separator: string): string | null {
  let list: string | null = null;
  for (let from = 0; from < fields.length;) {
    const lineFeed = fields.indexOf('\n', from);
    if (isNamed(fields, from, lowerCaseName)) {
      const value = trimmed(fields, from + lowerCaseName.length + 1, lineFeed - 1);
      list = list === null ? value : list + separator + value;
    }
    from = lineFeed + 1;
  }
  return list;
}

function isNamed(fields: string, from: number, lowerCaseName: string): boolean {
  const nameTo = from + lowerCaseName.length;
  return fields.charCodeAt(nameTo) === COLON && fields.slice(from, nameTo).toLowerCase() === lowerCaseName;
}

const UNTOUCHABLE = fieldNames(`
    content-length transfer-encoding host connection keep-alive proxy-connection te upgrade
  `);

/** A list of fields in their order, made from a `fields` text. Names are compared without case, and kept as they were written. */
export class Fields {
  readonly #entries: [name: string, value: string][] = [];

  /** `text` is that of a head that was accepted, for example 'Accept: text/html\r\nCookie: a=1\r\n'; '' for none. */
  constructor(text = '') {
    for (let from = 0; from < text.length;) {
      const colon = text.indexOf(':', from);
      const lineFeed = text.indexOf('\n', colon);
      this.#entries.push([text.slice(from, colon), trimmed(text, colon + 1, lineFeed - 1)]);
      from = lineFeed + 1;
    }
  }

  /** The first value, or null. */
  get(name: string): string | null {
    const wanted = name.toLowerCase();
    return this.#entries.find(([known]) => known.toLowerCase() === wanted)?.[1] ?? null;
  }

  /** All values, in their order. */
  getAll(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.#entries.filter(([known]) => known.toLowerCase() === wanted).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  /** Leaves one field of that name: in the first one's place, or at the end. Throws TypeError for what must not be sent. */
  set(name: string, value: string): void {
    const entry = checked(name, value);
    const wanted = name.toLowerCase();
    const first = this.#entries.findIndex(([known]) => known.toLowerCase() === wanted);
    if (first === -1) {
      this.#entries.push(entry);
      return;
    }
    this.#entries[first] = entry;
    this.#removeFrom(first + 1, wanted);
  }

  /** Adds a field at the end, also where one of that name is there. Throws TypeError for what must not be sent. */
  append(name: string, value: string): void {
    this.#entries.push(checked(name, value));
  }

  /** Removes all of that name; returns whether there was one. Throws TypeError for a field that is not a filter's to remove. */
  delete(name: string): boolean {
    return this.#removeFrom(0, checkedName(name).toLowerCase());
  }

  /** Name and value of each, in their order. */
  *entries(): IterableIterator<readonly [name: string, value: string]> {
    for (const [name, value] of this.#entries) yield [name, value];
  }

  /** What is sent: 'Name: value\r\n' for each. */
  toText(): string {
    let text = '';
    for (const [name, value] of this.#entries) text += `${name}: ${value}\r\n`;
    return text;
  }

  #removeFrom(start: number, lowerCaseName: string): boolean {
    let wasThere = false;
    for (let index = this.#entries.length - 1; index >= start; index--) {
      if (this.#entries[index]![0].toLowerCase() !== lowerCaseName) continue;
      this.#entries.splice(index, 1);
      wasThere = true;
    }
    return wasThere;
  }
}

function checked(name: string, value: string): [string, string] {
  if (typeof value !== 'string') throw new TypeError(`the value of ${name} is not a string`);
  if (!isAll(value, VALUE)) {
    throw new TypeError(
      `the value of ${name} has a control character, or one that is not a single byte: ${shown(value)}`,
    );
  }
  return [checkedName(name), trimmed(value, 0, value.length)];
}

function checkedName(name: string): string {
  if (typeof name !== 'string' || name === '' || !isAll(name, TOKEN)) {
    throw new TypeError(`${shown(name)} is not a field name: letters, digits and !#$%&'*+-.^_\`|~`);
  }
  if (UNTOUCHABLE.has(name.toLowerCase())) {
    throw new TypeError(
      `${name} is not a filter's to change: it says how this one message is framed, sent or addressed`,
    );
  }
  return name;
}

function shown(text: unknown): string {
  return JSON.stringify(text) ?? String(text);
}

/** The lines of `fields` whose names, in lower case, are not in `names`: what goes on where Connection names fields that nobody knows here. */
export function withoutNamed(fields: string, names: ReadonlySet<string>): string {
  let kept = '';
  for (let from = 0; from < fields.length;) {
    const lineTo = fields.indexOf('\n', from) + 1;
    const name = fields.slice(from, fields.indexOf(':', from)).toLowerCase();
    if (!names.has(name)) kept += fields.slice(from, lineTo);
    from = lineTo;
  }
  return kept;
}

/** A value, and that of an earlier line of the same field, as one list (RFC 9110, 5.3). */
export function joined(earlier: string | null, value: string): string {
  return earlier === null ? value : `${earlier}, ${value}`;
}

/** Names in lower case, written with whitespace between them. */
export function fieldNames(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
