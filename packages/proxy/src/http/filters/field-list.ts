/**
 * The fields of one message as hooks see them: read from the text as long as nobody changes them, a list from then on.
 *
 * So a filter that only looks at a field costs no list, and fields that no filter changed go on byte for byte.
 */
import { Fields, fieldValue } from '@muster/http1';
import type { MutableFields } from './filter.ts';

/** Written anew by Muster where a message goes on; a second one would be another reading. In lower case. */
export type ReservedFields = ReadonlySet<string>;

/** Of a request before its attempts; `upstreamRequestFilter` sees all but the last. */
export const RESERVED_IN_REQUESTS: ReservedFields = new Set(
  'x-request-id x-forwarded-for x-forwarded-proto x-forwarded-host forwarded max-forwards'.split(' '),
);
export const RESERVED_UPSTREAM: ReservedFields = new Set(['max-forwards']);
export const RESERVED_IN_ANSWERS: ReservedFields = new Set<string>();

export class FieldList implements MutableFields {
  readonly #text: string;
  readonly #reserved: ReservedFields;
  #list: Fields | null = null;
  #isChanged = false;
  #isClosed = false;

  constructor(text: string, reserved: ReservedFields) {
    this.#text = text;
    this.#reserved = reserved;
  }

  get(name: string): string | null {
    return this.#list === null ? fieldValue(this.#text, name.toLowerCase()) : this.#list.get(name);
  }

  getAll(name: string): string[] {
    return this.#fields().getAll(name);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  entries(): Iterable<readonly [name: string, value: string]> {
    return this.#fields().entries();
  }

  set(name: string, value: string): void {
    this.#open(name).set(name, value);
  }

  append(name: string, value: string): void {
    this.#open(name).append(name, value);
  }

  delete(name: string): boolean {
    return this.#open(name).delete(name);
  }

  get isChanged(): boolean {
    return this.#isChanged;
  }

  toText(): string {
    return this.#isChanged ? this.#list!.toText() : this.#text;
  }

  /** From now on they can only be read. */
  close(): void {
    this.#isClosed = true;
  }

  #fields(): Fields {
    return (this.#list ??= new Fields(this.#text));
  }

  #open(name: string): Fields {
    if (this.#isClosed) throw new TypeError(`${name} cannot be changed here: these fields have been used already`);
    if (typeof name === 'string' && this.#reserved.has(name.toLowerCase())) {
      throw new TypeError(`${name} cannot be changed here: Muster writes it when the request is sent`);
    }
    this.#isChanged = true;
    return this.#fields();
  }
}
