/**
 * The fields that framing, routing and trust depend on, known by number, so that a head is read without making a string of every
 * name.
 *
 * A name is looked up by its length and first letter, which is enough to tell the known ones apart; then it is compared.
 * All other fields are just text that goes on.
 */
import { foldedName } from './own-fields.ts';

export const KNOWN = {
  other: 0,
  host: 1,
  connection: 2,
  'content-length': 3,
  'transfer-encoding': 4,
  upgrade: 5,
  expect: 6,
  'max-forwards': 7,
  'keep-alive': 8,
  'proxy-connection': 9,
  te: 10,
  'http2-settings': 11,
  'proxy-authorization': 12,
  'proxy-authenticate': 13,
  'proxy-authentication-info': 14,
  'x-forwarded-for': 15,
  'x-forwarded-proto': 16,
  'x-forwarded-host': 17,
  forwarded: 18,
  'x-request-id': 19,
  date: 20,
} as const;

const NAMES = Object.keys(KNOWN);
const LONGEST_NAME = 31;
/** The names' characters, each name at its number × 32. */
const CODES = new Uint8Array(NAMES.length * (LONGEST_NAME + 1));
/** By length × 32 + first letter. */
const CANDIDATES = new Uint8Array((LONGEST_NAME + 1) * 32);

for (const [name, id] of Object.entries(KNOWN)) {
  if (id === KNOWN.other) continue;
  const slot = slotOf(name.length, name.charCodeAt(0));
  if (CANDIDATES[slot] !== 0)
    throw new Error(`${name} and ${NAMES[CANDIDATES[slot]!]} need another way to be told apart`);
  CANDIDATES[slot] = id;
  for (let index = 0; index < name.length; index++) CODES[(id << 5) + index] = name.charCodeAt(index);
}

function slotOf(length: number, firstCode: number): number {
  return (length << 5) | (firstCode & 31);
}

/** The number of the field whose name, a token in any case, lies there; 0 for a field that is none of the known. */
export function knownField(text: string, from: number, to: number): number {
  const length = to - from;
  if (length > LONGEST_NAME) return KNOWN.other;
  const id = CANDIDATES[slotOf(length, text.charCodeAt(from))]!;
  if (id === KNOWN.other) return id;
  const codesFrom = id << 5;
  // In a token, `| 32` makes letters small and leaves what else is in these names as it is.
  for (let index = 0; index < length; index++) {
    if ((text.charCodeAt(from + index) | 32) !== CODES[codesFrom + index]) return KNOWN.other;
  }
  return id;
}

/**
 * Whether a name that has something else than letters, digits and `-` would be read as one of the known fields by a backend that
 * speaks CGI or WSGI, where `-`, `_` and, for some, all such characters end as `_`: a way past everything that looks at names.
 */
export function isAlias(name: string): boolean {
  return Object.hasOwn(KNOWN, foldedName(name));
}
