/**
 * Damage to a message, byte by byte: what a grammar would not think of. A mutation is data, so that a failing case shrinks to the
 * few that matter.
 */
import { type Arbitrary, constantFrom, nat, record } from 'fast-check';

export interface Mutation {
  readonly kind:
    'delete' | 'insert' | 'replace' | 'duplicate' | 'swap_line_end' | 'switch_case' | 'splice' | 'off_by_one' | 'cut';
  /** Where, as a share of the text's length: 0 to 65,535. */
  readonly at: number;
  readonly text: string;
}

const WHOLE = 65_536;
const DUPLICATED_CHARACTERS = 12;

/** Bytes that parsers disagree about, one by one and in groups. */
const TEXTS = [
  [
    '\r',
    '\n',
    '\r\n',
    '\n\n',
    '\r\r\n',
    '\r\n\r\n',
    '\n\r\n',
    ' ',
    '\t',
    '  ',
    ' \t',
    '\r\n ',
    '\r\n\t',
    '\x0b',
    '\x0c',
  ],
  [
    '\0',
    '\x01',
    '\x1f',
    '\x7f',
    '\x80',
    '\x85',
    '\xa0',
    '\xff',
    '\xc3\xa9',
    '"',
    '\\',
    ':',
    ';',
    ',',
    '=',
    '0',
    '1',
    'f',
    '-',
  ],
  ['+', '0x', '_', '%', '%00', '#', '?', '*', '/', '//', '@', '[', ']', 'chunked', 'close', 'a: b\r\n', '0\r\n\r\n'],
  ['Content-Length: 1\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: b\r\n', 'GET / HTTP/1.1\r\nHost: b\r\n\r\n'],
].flat();

export const mutationArbitrary: Arbitrary<Mutation> = record({
  kind: constantFrom<Mutation['kind']>(
    ...(['delete', 'insert', 'insert', 'replace', 'replace', 'duplicate', 'swap_line_end'] as const),
    ...(['swap_line_end', 'switch_case', 'splice', 'off_by_one', 'cut'] as const),
  ),
  at: nat(WHOLE - 1),
  text: constantFrom(...TEXTS),
});

/** The text with the mutation; `other` is what a splice goes on with. */
export function mutated(text: string, { kind, at, text: added }: Mutation, other: string): string {
  const index = Math.floor((at / WHOLE) * (text.length + 1));
  const before = text.slice(0, index);
  const after = text.slice(index);
  switch (kind) {
    case 'delete':
      return before + after.slice(1);
    case 'insert':
      return before + added + after;
    case 'replace':
      return before + added + after.slice(added.length);
    case 'duplicate':
      return before + after.slice(0, DUPLICATED_CHARACTERS) + after;
    case 'switch_case':
      return before + switchedCase(after.slice(0, 4)) + after.slice(4);
    case 'splice':
      return before + other.slice(Math.floor((at / WHOLE) * other.length));
    case 'cut':
      return before;
    case 'swap_line_end':
      return before + after.replace(/\r\n|\r|\n/, SWAPPED[at % SWAPPED.length]!);
    case 'off_by_one':
      return before + after.replace(/[0-9]+/, (digits) => String(Number(digits) + (at % 2 === 0 ? 1 : -1)));
  }
}

const SWAPPED = ['\n', '\r', '\n\r', '\r\r\n', '\r\n\r\n', ''];

function switchedCase(text: string): string {
  const lower = text.toLowerCase();
  return lower === text ? text.toUpperCase() : lower;
}
