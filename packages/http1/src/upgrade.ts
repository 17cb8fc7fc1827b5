/**
 * The protocols that an Upgrade field names (RFC 9110, 7.8).
 *
 * `h2c` is taken out: RFC 9113 has given it up, and a backend that took it would speak frames through a connection that Muster
 * follows as HTTP/1.1.
 */
import { TOKEN, isAll } from './characters.ts';
import { HEAD_PROBLEMS, type HeadProblem } from './problem.ts';
import { elements } from './whitespace.ts';

/** The value without `h2c`; null where nothing else is named, and a problem where it is no list of protocols. */
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
