/**
 * The one path that filters, routes, hash keys, logs and backends see: a request's own, brought to a form that no reader
 * understands in another way (RFC 3986, 6.2.2 and 5.2.4).
 *
 *     /%61dmin              /admin             an escape that needs none is undone; others are written in upper case
 *     /x/../admin           /admin             dot segments are resolved, also escaped ones
 *     /a//b                 /a/b               `emptySegments: 'keep'` leaves them
 *     /100%                 /100%25            a `%` that begins no escape stands for itself
 *     /@scope%2fname        /@scope%2Fname     `escapedSlashes: 'decode'` makes it /@scope/name, 'reject' refuses it
 *     /cart;id=7/items      as it is           `pathParameters: 'strip'` makes it /cart/items, 'reject' refuses it
 *
 * What is kept may be read in another way by a backend that decodes slashes or drops parameters. So it is kept only where that
 * reader stays in the same place of the tree: a dot segment, or an empty one before others, that shows only to such a reader is
 * refused (`/public/..%2fadmin`, `/x/..;/admin`, `/;/admin`, also escaped twice or in overlong UTF-8). A query is never touched.
 *
 * The result is a fixed point: made normal again, it stays as it is.
 */
import { CLASS, HEX_VALUE, NAME } from './characters.ts';
import { HEAD_PROBLEMS, HeadProblem } from './problem.ts';

/** What becomes of the parts of a path that servers read in different ways. */
export interface PathRules {
  /** `%2F` and `%5C`: refused, kept as an escape, or made a `/`. Default: keep. */
  readonly escapedSlashes: 'reject' | 'keep' | 'decode';
  /** `//` becomes `/`, or is kept. Default: merge. */
  readonly emptySegments: 'merge' | 'keep';
  /** `;` and what follows it in its segment (RFC 3986, 3.3): refused, kept, or taken out. Default: keep. */
  readonly pathParameters: 'reject' | 'keep' | 'strip';
}

export const PATH_RULES: PathRules = { escapedSlashes: 'keep', emptySegments: 'merge', pathParameters: 'keep' };

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;
const SPACE = 0x20;
const NO_BYTE = -1;

/** As a reader sees it who decodes any number of times, and takes overlong UTF-8 (RFC 3629, 3) for what it stands for. */
const ESCAPED_SLASH = '%(?:25)*(?:2F|5C)|%C0%AF|%C1%9C|%E0%80%AF|%E0%81%9C|%F0%80%80%AF|%F0%80%81%9C';
const ANY_DOT = '\\.|%(?:25)*2E|%C0%AE|%E0%80%AE|%F0%80%80%AE';
const ANY_SEMICOLON = ';|%(?:25)*3B';
const HIDDEN_DOT_SEGMENT = `(?:/|${ESCAPED_SLASH})(?:${ANY_DOT}){1,2}(?=/|${ESCAPED_SLASH}|${ANY_SEMICOLON}|$)`;
/** At the end it hides nothing: `/shop/;jsessionid=1` is /shop/ to whoever drops parameters. */
const HIDDEN_EMPTY_SEGMENT = `/(?:${ESCAPED_SLASH}|(?:${ANY_SEMICOLON})[^/]*/)`;
/** Every part begins with its own character, and none is read more than a few times, so that this costs the path's length. */
const HIDDEN_SEGMENT = new RegExp(`${HIDDEN_DOT_SEGMENT}|${HIDDEN_EMPTY_SEGMENT}`, 'i');

/** `pathAndQuery` begins with "/" and has been checked for its characters. */
export function normalPath(pathAndQuery: string, rules: PathRules): string | HeadProblem {
  const query = pathAndQuery.indexOf('?');
  const path = unescaped(query < 0 ? pathAndQuery : pathAndQuery.slice(0, query), rules.escapedSlashes);
  if (path instanceof HeadProblem) return path;
  let normal = path;
  if (normal.includes(';')) {
    if (rules.pathParameters === 'reject') return HEAD_PROBLEMS.path_parameter;
    if (rules.pathParameters === 'strip') normal = normal.replaceAll(/;[^/]*/g, '');
  }
  if (rules.emptySegments === 'merge') normal = normal.replaceAll(/\/{2,}/g, '/');
  if (normal.includes('/.')) normal = withoutDotSegments(normal);
  if (HIDDEN_SEGMENT.test(normal)) return HEAD_PROBLEMS.path_hidden_segment;
  return query < 0 ? normal : normal + pathAndQuery.slice(query);
}

function unescaped(path: string, escapedSlashes: PathRules['escapedSlashes']): string | HeadProblem {
  let text = '';
  let from = 0;
  for (let percent = path.indexOf('%'); percent >= 0; percent = path.indexOf('%', from)) {
    text += path.slice(from, percent);
    const byte = escapedByte(path, percent);
    from = percent + (byte === NO_BYTE ? 1 : 3);
    if (byte === NO_BYTE) text += '%25';
    else if (byte < SPACE || byte === DELETE) return HEAD_PROBLEMS.path_control_character;
    else if ((CLASS[byte]! & NAME) !== 0) text += String.fromCharCode(byte);
    else if ((byte !== SLASH && byte !== BACKSLASH) || escapedSlashes === 'keep')
      text += path.slice(percent, from).toUpperCase();
    else if (escapedSlashes === 'decode') text += '/';
    else return HEAD_PROBLEMS.path_escaped_slash;
  }
  return text + path.slice(from);
}

/** What the escape at that `%` stands for; NO_BYTE where it is none. */
function escapedByte(path: string, percent: number): number {
  const high = HEX_VALUE[path.charCodeAt(percent + 1)] ?? NO_BYTE;
  const low = HEX_VALUE[path.charCodeAt(percent + 2)] ?? NO_BYTE;
  return high < 0 || low < 0 ? NO_BYTE : high * 16 + low;
}

/** RFC 3986, 5.2.4: what would climb out of the root stays there. */
function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  const last = segments.length - 1;
  for (let index = 1; index <= last; index++) {
    const segment = segments[index]!;
    const isDots = segment === '.' || segment === '..';
    if (segment === '..') kept.pop();
    if (!isDots) kept.push(segment);
    else if (index === last) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/**
 * The path as the most permissive reader has it: everything decoded, also what was escaped several times, backslashes as slashes,
 * without parameters, empty and dot segments. Nothing is forwarded so; it shows whether two readers would part ways.
 */
export function loosePath(path: string): string {
  const decoded = path.replaceAll(/%(?:25)*([0-9A-F]{2})/gi, (_escape, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const segments = decoded
    .replaceAll('\\', '/')
    .replaceAll(/;[^/]*/g, '')
    .replaceAll(/\/{2,}/g, '/');
  return withoutDotSegments(segments);
}
