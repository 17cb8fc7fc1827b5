/**
 * `uri-host [":" port]`: what a Host field and an absolute target name (RFC 9110, 7.2; RFC 3986, 3.2).
 *
 * Narrower than the grammar. Of a registered name only the unreserved characters are taken: what the grammar has besides (`,`, `;`,
 * `=`, escapes …) is in no DNS name, and would be read as a delimiter in `X-Forwarded-Host` and `Forwarded`. A host that is empty
 * is refused, because an http URI must not have one (RFC 9110, 4.2.1). So are user information, an empty port, which readers take
 * for different ports, address literals with a zone, and those of the future.
 */
import { CLASS, COLON, NAME } from './characters.ts';

const LEFT_BRACKET = 0x5b;
const MAX_PORT = 65_535;
const MAX_PORT_DIGITS = 5;
const DIGIT_0 = 0x30;
const GROUP = /^[0-9a-f]{1,4}$/i;
const IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;

/** Whether the text is a host with an optional port, for example 'api.example.com:8080' or '[::1]'. */
export function isAuthority(text: string): boolean {
  if (text.charCodeAt(0) === LEFT_BRACKET) {
    const close = text.indexOf(']');
    return close !== -1 && isIpv6(text.slice(1, close)) && isPort(text, close + 1);
  }
  let index = 0;
  while (index < text.length && (CLASS[text.charCodeAt(index)]! & NAME) !== 0) index++;
  return index > 0 && isPort(text, index);
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
