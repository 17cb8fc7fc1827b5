/**
 * The first line of a request: `method SP target SP version`, with exactly one space each time (RFC 9112, 3).
 *
 * Of a target's forms, a path is taken as it was sent: nothing is decoded, and dots are not resolved, so that what a route matches
 * is what its backend reads. An absolute one is split, because only its path goes on; its scheme must be http, since these
 * connections are not secured, and a request for an https resource that came over one was not meant to (RFC 9110, 7.4).
 */
import { CLASS, PATH, QUERY, SPACE, TOKEN, isAll } from './characters.ts';
import { isAuthority } from './authority.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';
import { MAX_METHOD_LENGTH } from './head-text.ts';
import type { RequestHead } from './request-head.ts';

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const PARTS = /^([^ ]*) ([^ ]*) ([^ ]*)$/;
const VERSION = /^HTTP\/([0-9])\.[0-9]$/;
const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?]*)(.*)$/;

/**
 * Reads the line, without its CRLF, into the head. What is common (a path as target, and nothing wrong) is read in one go; all
 * else is taken apart again, slowly, to say what it is.
 */
export function readRequestLine(head: RequestHead, line: string, maxTargetBytes: number): HeadProblem | null {
  let methodEnd = 0;
  while ((CLASS[line.charCodeAt(methodEnd)]! & TOKEN) !== 0) methodEnd++;
  const isHttp11 = line.endsWith(' HTTP/1.1');
  const targetEnd = line.length - ' HTTP/1.1'.length;
  const targetLength = targetEnd - methodEnd - 1;
  if (
    (isHttp11 || line.endsWith(' HTTP/1.0')) &&
    methodEnd > 0 &&
    methodEnd <= MAX_METHOD_LENGTH &&
    targetLength <= maxTargetBytes &&
    line.charCodeAt(methodEnd) === SPACE &&
    isOriginForm(line, methodEnd + 1, targetEnd)
  ) {
    head.method = line.slice(0, methodEnd);
    head.target = line.slice(methodEnd + 1, targetEnd);
    head.pathAndQuery = head.target;
    head.isHttp10 = !isHttp11;
    return head.method === 'CONNECT' ? HEAD_PROBLEMS.connect : null;
  }
  return readUncommonLine(head, line, maxTargetBytes);
}

function isOriginForm(line: string, from: number, to: number): boolean {
  if (line.charCodeAt(from) !== SLASH) return false;
  let index = from + 1;
  while (index < to && (CLASS[line.charCodeAt(index)]! & PATH) !== 0) index++;
  if (index === to) return true;
  if (line.charCodeAt(index) !== QUESTION_MARK) return false;
  while (index < to && (CLASS[line.charCodeAt(index)]! & QUERY) !== 0) index++;
  return index === to;
}

function readUncommonLine(head: RequestHead, line: string, maxTargetBytes: number): HeadProblem | null {
  const parts = PARTS.exec(line);
  if (parts === null) return HEAD_PROBLEMS.request_line;
  const [, method = '', target = '', version = ''] = parts;
  if (method === '' || !isAll(method, TOKEN)) return HEAD_PROBLEMS.method;
  if (method.length > MAX_METHOD_LENGTH) return HEAD_PROBLEMS.method_too_long;
  if (target.length > maxTargetBytes) return HEAD_PROBLEMS.target_too_long;
  if (version !== 'HTTP/1.1' && version !== 'HTTP/1.0') {
    const major = VERSION.exec(version)?.[1] ?? '1';
    return major === '1' ? HEAD_PROBLEMS.version : HEAD_PROBLEMS.version_unsupported;
  }
  if (method === 'CONNECT') return HEAD_PROBLEMS.connect;
  head.method = method;
  head.target = target;
  head.isHttp10 = version === 'HTTP/1.0';
  if (target !== '*') return readAbsoluteForm(head);
  // RFC 9112, 3.2.4: only for the server as a whole.
  if (method !== 'OPTIONS') return HEAD_PROBLEMS.target;
  head.targetForm = 'asterisk';
  head.pathAndQuery = target;
  return null;
}

/** RFC 9112, 3.2.2. An empty path is `/`, and for OPTIONS, where no query follows, `*`. */
function readAbsoluteForm(head: RequestHead): HeadProblem | null {
  const parts = ABSOLUTE.exec(head.target);
  if (parts === null) return HEAD_PROBLEMS.target;
  const [, scheme = '', authority = '', rest = ''] = parts;
  if (scheme.toLowerCase() !== 'http') return HEAD_PROBLEMS.target_scheme;
  if (!isAuthority(authority)) return HEAD_PROBLEMS.target_authority;
  const pathAndQuery = rest.startsWith('/') ? rest : `/${rest}`;
  if (!isOriginForm(pathAndQuery, 0, pathAndQuery.length)) return HEAD_PROBLEMS.target;
  head.targetForm = 'absolute';
  head.authority = authority;
  head.pathAndQuery = rest === '' && head.method === 'OPTIONS' ? '*' : pathAndQuery;
  return null;
}
