/**
 * The first line of a request: `method SP target SP version`, with exactly one space each time (RFC 9112, 3).
 *
 * A target's path is brought to its normal form (`request-path.ts`), unless the scan that checks its characters finds that it has it
 * already. Of an absolute target only the path goes on; its scheme must be http, since these connections are not secured, and a
 * request for an https resource that came over one was not meant to (RFC 9110, 7.4).
 */
import { CLASS, PATH, QUERY, SPACE, TOKEN, UNUSUAL, isAll } from './characters.ts';
import { readAuthority } from './authority.ts';
import { HEAD_PROBLEMS, HeadProblem } from './problem.ts';
import { MAX_METHOD_LENGTH } from './head-text.ts';
import { normalPath, type PathRules } from './request-path.ts';

const SLASH = 0x2f;
const DOT = 0x2e;
const QUESTION_MARK = 0x3f;
const DIGIT_0 = 0x30;
const DIGIT_1 = 0x31;
const DIGIT_9 = 0x39;
/** ` HTTP/1.`; the digit after it is compared by itself. */
const VERSION_BEGINNING = Uint8Array.from([SPACE, 0x48, 0x54, 0x54, 0x50, SLASH, DIGIT_1, 0x2e]);
/** What a line, or the path in it, was found to be. */
export const LINE = {
  /** Nothing was read: the line has to be taken apart slowly. */
  uncommon: 0,
  /** The path is in its normal form, whatever the rules. */
  normal: 1,
  /** The path is well-formed and may have to be rewritten. */
  unusual: 2,
} as const;

const PARTS = /^([^ ]+) ([^ ]+) ([^ ]+)$/;
const VERSION = /^HTTP\/([0-9])\.([0-9])$/;
const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?]*)(.*)$/;

/** Where the parts of the line are put: a `RequestHead`, in which they are explained. */
interface RequestLine {
  method: string;
  target: string;
  targetForm: 'origin' | 'absolute' | 'asterisk';
  pathAndQuery: string;
  authority: string;
  isHttp10: boolean;
  minorVersion: number;
}

/**
 * Reads the line between the indices, without its CRLF, into the head. What is common (a path as target, and nothing wrong) is read
 * in one go; all else is taken apart again, slowly, to say what it is.
 */
// oxlint-disable-next-line max-params -- An object around the indices would be made for every request.
export function readRequestLine(
  head: RequestLine,
  text: string,
  from: number,
  to: number,
  rules: PathRules,
): HeadProblem | null {
  const line = readCommonLine(head, text, from, to);
  const problem = line === LINE.uncommon ? readUncommonLine(head, text.slice(from, to)) : null;
  if (problem !== null) return problem;
  if (head.method === 'CONNECT') return HEAD_PROBLEMS.connect;
  if (line === LINE.normal || head.targetForm === 'asterisk') return null;
  return normalise(head, rules);
}

/** Brings the path of what was read to its normal form. */
export function normalise(head: RequestLine, rules: PathRules): HeadProblem | null {
  const path = normalPath(head.pathAndQuery, rules);
  if (path instanceof HeadProblem) return path;
  head.pathAndQuery = path;
  return null;
}

/** Reads a line with a path as its target, as it was sent; looks at every character. Returns a number of `LINE`. */
// oxlint-disable-next-line max-params -- As above.
export function readCommonLine(head: RequestLine, text: string, from: number, to: number): number {
  let methodTo = from;
  while ((CLASS[text.charCodeAt(methodTo)]! & TOKEN) !== 0) methodTo++;
  const minor = text.charCodeAt(to - 1);
  const targetTo = to - 1 - VERSION_BEGINNING.length;
  if (
    methodTo === from ||
    methodTo - from > MAX_METHOD_LENGTH ||
    text.charCodeAt(methodTo) !== SPACE ||
    minor < DIGIT_0 ||
    minor > DIGIT_9 ||
    !isVersionAt(text, targetTo)
  ) {
    return LINE.uncommon;
  }
  const line = readPath(text, methodTo + 1, targetTo);
  if (line === LINE.uncommon) return line;
  head.method = text.slice(from, methodTo);
  head.target = head.pathAndQuery = text.slice(methodTo + 1, targetTo);
  // RFC 9110, 2.5: a later minor version is read as the highest that is spoken here.
  head.isHttp10 = minor === DIGIT_0;
  head.minorVersion = minor - DIGIT_0;
  return line;
}

/** A loop over eight bytes, because `startsWith` costs as much as all else here. */
function isVersionAt(text: string, from: number): boolean {
  for (let index = 0; index < VERSION_BEGINNING.length; index++) {
    if (text.charCodeAt(from + index) !== VERSION_BEGINNING[index]) return false;
  }
  return true;
}

/** Whether the text is a path with an optional query, and what of it shows without a second look. Returns a number of `LINE`. */
function readPath(text: string, from: number, to: number): number {
  if (text.charCodeAt(from) !== SLASH) return LINE.uncommon;
  let index = from + 1;
  let previous = SLASH;
  let seen = 0;
  while (index < to) {
    const code = text.charCodeAt(index);
    const classes = CLASS[code]!;
    if ((classes & PATH) === 0) break;
    // An empty segment or one that begins with a dot.
    if (previous === SLASH && (code === SLASH || code === DOT)) seen = UNUSUAL;
    seen |= classes;
    previous = code;
    index++;
  }
  const line = (seen & UNUSUAL) === 0 ? LINE.normal : LINE.unusual;
  if (index === to) return line;
  if (text.charCodeAt(index) !== QUESTION_MARK) return LINE.uncommon;
  while (index < to && (CLASS[text.charCodeAt(index)]! & QUERY) !== 0) index++;
  return index === to ? line : LINE.uncommon;
}

function readUncommonLine(head: RequestLine, line: string): HeadProblem | null {
  const parts = PARTS.exec(line);
  if (parts === null) return HEAD_PROBLEMS.request_line;
  const [, method = '', target = '', version = ''] = parts;
  if (!isAll(method, TOKEN)) return HEAD_PROBLEMS.method;
  if (method.length > MAX_METHOD_LENGTH) return HEAD_PROBLEMS.method_too_long;
  const [, major, minor] = VERSION.exec(version) ?? [];
  if (major === undefined) return HEAD_PROBLEMS.version;
  if (major !== '1') return HEAD_PROBLEMS.version_unsupported;
  head.method = method;
  if (method === 'CONNECT') return null;
  head.target = target;
  head.minorVersion = Number(minor);
  head.isHttp10 = minor === '0';
  if (target !== '*') return readAbsoluteForm(head);
  // RFC 9112, 3.2.4: only for the server as a whole.
  if (method !== 'OPTIONS') return HEAD_PROBLEMS.target;
  head.targetForm = 'asterisk';
  head.pathAndQuery = target;
  return null;
}

/** RFC 9112, 3.2.2. An empty path is `/`, and for OPTIONS, where no query follows, `*`. */
function readAbsoluteForm(head: RequestLine): HeadProblem | null {
  const parts = ABSOLUTE.exec(head.target);
  if (parts === null) return HEAD_PROBLEMS.target;
  const [, scheme = '', authority = '', rest = ''] = parts;
  if (scheme.toLowerCase() !== 'http') return HEAD_PROBLEMS.target_scheme;
  const normalAuthority = readAuthority(authority);
  if (normalAuthority === null) return HEAD_PROBLEMS.target_authority;
  const pathAndQuery = rest.startsWith('/') ? rest : `/${rest}`;
  if (readPath(pathAndQuery, 0, pathAndQuery.length) === LINE.uncommon) return HEAD_PROBLEMS.target;
  head.targetForm = 'absolute';
  head.authority = normalAuthority;
  head.pathAndQuery = rest === '' && head.method === 'OPTIONS' ? '*' : pathAndQuery;
  return null;
}
