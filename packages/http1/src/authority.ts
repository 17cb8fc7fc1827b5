/**
 * `uri-host [":" port]`: what a Host field and an absolute target name (RFC 9110, 7.2; RFC 3986, 3.2).
 *
 * A registered name may have all that the grammar gives it: `0.0.0.0=5000` is one. Its escapes are brought to their normal form
 * (RFC 3986, 6.2.2), and those that would be a delimiter or a control character to whoever decodes them are refused. A host that is
 * empty is refused, because an http URI must not have one (RFC 9110, 4.2.1). So are user information, an empty port, which readers
 * take for different ports, address literals with a zone, which means something on the sender's machine alone, and those of the future.
 */
import { CLASS, COLON, HEX_VALUE, NAME } from './characters.ts';

const LEFT_BRACKET = 0x5b;
const MAX_PORT = 65_535;
const MAX_PORT_DIGITS = 5;
const DIGIT_0 = 0x30;
const GROUP = /^[0-9a-f]{1,4}$/i;
const REGISTERED_NAME = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;
/** Bytes that may stand behind a `%` and stay so: sub-delims, and those above ASCII, which are UTF-8. */
const KEPT_ESCAPE = /^[!$&'()*+,;=\x80-\xff]$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;

/** A host with an optional port in its normal form, for example 'api.example.com:8080' or '[::1]'; null for what is none. */
export function readAuthority(text: string): string | null {
  if (text.charCodeAt(0) === LEFT_BRACKET) {
    const close = text.indexOf(']');
    return close !== -1 && isIpv6(text.slice(1, close)) && isPort(text, close + 1) ? text : null;
  }
  let index = 0;
  while (index < text.length && (CLASS[text.charCodeAt(index)]! & NAME) !== 0) index++;
  return index > 0 && isPort(text, index) ? text : readRegisteredName(text);
}

/** RFC 3986, 3.2.2: with sub-delims and escapes. */
function readRegisteredName(text: string): string | null {
  const colon = text.indexOf(':');
  const nameTo = colon === -1 ? text.length : colon;
  const name = text.slice(0, nameTo);
  if (!REGISTERED_NAME.test(name) || !isPort(text, nameTo)) return null;
  let normal = '';
  let from = 0;
  for (let percent = name.indexOf('%'); percent !== -1; percent = name.indexOf('%', from)) {
    const byte = HEX_VALUE[name.charCodeAt(percent + 1)]! * 16 + HEX_VALUE[name.charCodeAt(percent + 2)]!;
    const isUnreserved = (CLASS[byte]! & NAME) !== 0;
    if (!isUnreserved && !KEPT_ESCAPE.test(String.fromCharCode(byte))) return null;
    const escape = name.slice(percent, percent + 3).toUpperCase();
    normal += name.slice(from, percent) + (isUnreserved ? String.fromCharCode(byte) : escape);
    from = percent + 3;
  }
  return normal + text.slice(from);
}

/** Whether the rest of the text is nothing, or a colon and a port. */
function isPort(text: string, from: number): boolean {
  if (from === text.length) return true;
  const digits = text.length - from - 1;
  if (text.charCodeAt(from) !== COLON || digits < 1 || digits > MAX_PORT_DIGITS) return false;
  let port = 0;
  for (let index = from + 1; index < text.length; index++) {
    const digit = text.charCodeAt(index) - DIGIT_0;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= MAX_PORT;
}

/** RFC 3986, 3.2.2: eight groups, of which `::` stands for at least one, and the last two may be an IPv4 address. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const left = groupsOf(halves[0]!, halves.length === 1);
  const right = halves.length === 2 ? groupsOf(halves[1]!, true) : 0;
  if (left === -1 || right === -1) return false;
  return halves.length === 2 ? left + right <= 7 : left === 8;
}

/** How many groups these are, or -1. */
function groupsOf(text: string, mayEndInIpv4: boolean): number {
  if (text === '') return 0;
  const groups = text.split(':');
  const last = groups.pop()!;
  if (!groups.every((group) => GROUP.test(group))) return -1;
  if (GROUP.test(last)) return groups.length + 1;
  return mayEndInIpv4 && IPV4.test(last) ? groups.length + 2 : -1;
}
