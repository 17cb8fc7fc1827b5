/**
 * The fields that speak to the next hop alone: Connection and Upgrade, and the two that say where a body ends, Content-Length and
 * Transfer-Encoding.
 *
 * Connection (RFC 9110, 7.6.1) says whether the connection ends, whether it is to be upgraded, and which further fields are for the
 * next hop. A field that is meant for every recipient must not be named there. Dropping such a field because a client says so would let it
 * take `X-Forwarded-For` away from a backend that trusts it, or a length away from a body, so the message is refused: nobody
 * honest sends it. Fields that are for one hop anyway may be named, or not; it changes nothing.
 *
 * About a body's end (RFC 9112, 6) this is stricter than the RFC where that leaves a choice, because everything that disagrees about it
 * here ends as a request that somebody smuggled: a length is one line with one number, also where a list would repeat it; both fields
 * together are refused, not repaired; and the only coding is one `chunked`.
 */
import { fieldNames } from './fields.ts';
import { DIGIT, elements, isAll, TOKEN } from './characters.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';

const FOR_EVERY_RECIPIENT = fieldNames(`
    host content-length content-type content-encoding content-range trailer expect max-forwards authorization cookie
    set-cookie www-authenticate origin referer range if-match if-none-match if-modified-since if-unmodified-since
    if-range cache-control pragma age expires date vary etag last-modified location retry-after via forwarded
    x-forwarded-for x-forwarded-proto x-forwarded-host x-request-id traceparent
    tracestate strict-transport-security content-security-policy
  `);

/** Never forwarded, whether named or not, so that naming them asks for nothing. */
const FOR_ONE_HOP = fieldNames(`
    close keep-alive upgrade te transfer-encoding proxy-connection connection http2-settings
  `);

export class ConnectionOptions {
  readonly isClose: boolean;
  readonly isUpgrade: boolean;
  /** Names, in lower case, of the other fields that are for the next hop; null where there is none. */
  readonly nominated: ReadonlySet<string> | null;

  constructor(isClose: boolean, isUpgrade: boolean, nominated: ReadonlySet<string> | null) {
    this.isClose = isClose;
    this.isUpgrade = isUpgrade;
    this.nominated = nominated;
  }
}

const NONE = new ConnectionOptions(false, false, null);
const CLOSE = new ConnectionOptions(true, false, null);
const UPGRADE = new ConnectionOptions(false, true, null);

/** Reads the value of Connection, several lines joined by commas; null where there is no such field. */
export function connectionOptions(value: string | null): ConnectionOptions | HeadProblem {
  switch (value) {
    case null:
    case 'keep-alive':
    case 'Keep-Alive':
      return NONE;
    case 'close':
      return CLOSE;
    case 'upgrade':
    case 'Upgrade':
    case 'keep-alive, Upgrade':
      return UPGRADE;
    default:
      return readOptions(value);
  }
}

/** RFC 9110, 5.6.1.2: empty elements of a list are passed over. */
function readOptions(value: string): ConnectionOptions | HeadProblem {
  let isClose = false;
  let isUpgrade = false;
  let nominated: Set<string> | null = null;
  for (const option of elements(value.toLowerCase())) {
    if (option === '') continue;
    if (!isAll(option, TOKEN)) return HEAD_PROBLEMS.connection_option;
    if (FOR_EVERY_RECIPIENT.has(option)) return HEAD_PROBLEMS.connection_nomination;
    if (option === 'close') isClose = true;
    else if (option === 'upgrade') isUpgrade = true;
    else if (!FOR_ONE_HOP.has(option)) (nominated ??= new Set()).add(option);
  }
  return new ConnectionOptions(isClose, isUpgrade, nominated);
}

/**
 * The protocols that Upgrade names (RFC 9110, 7.8), without `h2c`: RFC 9113 has given that up, and a backend that took it would speak
 * frames through a connection that Muster follows as HTTP/1.1. Null where nothing else is named, a problem for what is no list of
 * protocols.
 */
export function upgradeProtocols(value: string): string | null | HeadProblem {
  if (value === 'websocket') return value;
  const protocols = elements(value).filter((protocol) => protocol !== '');
  if (!protocols.every(isProtocol)) return HEAD_PROBLEMS.upgrade;
  const kept = protocols.filter((protocol) => protocol.toLowerCase() !== 'h2c');
  return kept.length === 0 ? null : kept.join(', ');
}

/** `protocol-name ["/" protocol-version]`, both tokens. */
function isProtocol(text: string): boolean {
  const parts = text.split('/');
  return parts.length <= 2 && parts.every((part) => part !== '' && isAll(part, TOKEN));
}

/** What `decimal` returns for a text that is no such number. */
export const NO_NUMBER = -1;

/** A decimal number of digits alone, at most Number.MAX_SAFE_INTEGER; NO_NUMBER for anything else. */
export function decimal(value: string): number {
  if (value === '' || !isAll(value, DIGIT)) return NO_NUMBER;
  const number = Number(value);
  return number <= Number.MAX_SAFE_INTEGER ? number : NO_NUMBER;
}

/**
 * What is wrong with the value of Transfer-Encoding, several lines joined by commas; null where it is exactly `chunked`.
 * RFC 9112, 6.1: codings that are not understood are 501; 6.3: in a request, `chunked` must be the last. Applying it twice is
 * forbidden, so that is no unknown coding but a faulty message.
 */
export function codingProblem(value: string): HeadProblem | null {
  const codings = elements(value.toLowerCase());
  if (codings.length === 1 && codings[0] === 'chunked') return null;
  if (codings.some((coding) => coding === '' || !isAll(coding, TOKEN))) return HEAD_PROBLEMS.coding;
  return codings.indexOf('chunked') === codings.length - 1 ? HEAD_PROBLEMS.coding_unknown : HEAD_PROBLEMS.coding;
}
