/**
 * What the Connection field says (RFC 9110, 7.6.1): whether the connection ends, whether it is to be upgraded, and which further
 * fields are for the next hop alone.
 *
 * A field that is meant for every recipient must not be named there. Dropping such a field because a client says so would let it
 * take `X-Forwarded-For` away from a backend that trusts it, or a length away from a body, so the message is refused: nobody
 * honest sends it. Fields that are for one hop anyway may be named, or not; it changes nothing.
 */
import { fieldNames } from './kept-fields.ts';
import { TOKEN, isAll } from './characters.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';
import { elements } from './whitespace.ts';

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
