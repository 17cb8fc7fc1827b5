/**
 * The fields that say what only a proxy can know, and those that only Muster writes: one list, in both directions.
 *
 *     request    a client that is no trusted proxy     they are taken out, of the head and of trailers
 *                a trusted proxy                       they go on, in the head; never in trailers
 *     answer     a backend                             what is Muster's alone is taken out, of the head and of trailers
 *     filters    may set any of them
 *
 * A backend that is told `X-Real-IP` believes it, whoever wrote it. Which names somebody believes is no standard but a habit of
 * products, so the list is long; a listener may add its own. Names are compared as CGI, WSGI and PHP do, where everything that is no
 * letter or digit is the same character (RFC 3875, 4.1.18): `X_Real_IP` and `X.Real.IP` are X-Real-IP. In such a spelling nobody honest
 * sends them, so it goes no further from anybody.
 *
 * `X-Request-Id` of a request is not here: an id claims nothing, and Muster makes one only where none was sent. Neither is
 * `X-HTTP-Method-Override`, which is the client's own wish; a filter that goes by methods looks at it, or the listener adds it.
 */

/** A name that ends in `*` stands for all that begin so. In lower case. */
const PROXY_FIELDS = [
  // Whom the request is from.
  'x-forwarded*  forwarded-for  forwarded-host  forwarded-proto  x-real-*  true-client-ip  client-ip  x-client-ip',
  'x-cluster-client-ip  x-originating-ip  x-remote-ip  x-remote-addr  remote-addr  x-proxyuser-ip  proxy-client-ip  wl-proxy-client-ip',
  'cf-connecting-ip  cf-connecting-ipv6  cf-connecting-o2o  cf-pseudo-ipv4  fastly-client-ip  fly-client-ip  do-connecting-ip',
  'x-azure-clientip  x-azure-socketip  x-appengine-user-ip  x-envoy-*',
  // What it asked for before a proxy changed it.
  'x-original-*  x-rewrite-url  x-rewrite-uri  x-host  x-http-host-override  x-waws-unencoded-url  x-scheme  x-url-scheme',
  'front-end-https  x-arr-ssl',
  // Who it is, where somebody has checked that.
  'remote-user  x-remote-user  x-webauth-user  x-auth-request-*  x-authenticated-user  x-amzn-oidc-*  x-amzn-mtls-*',
  'x-goog-authenticated-user-*  x-goog-iap-*  x-ms-client-principal*  cf-access-*',
  'x-ssl  x-ssl-*  ssl-*  x-client-cert*  x-client-verify  x-client-dn  x-client-s-dn  x-client-i-dn  x-arr-clientcert',
  // A CGI backend makes HTTP_PROXY of it, and its own requests go through that (httpoxy.org).
  'proxy',
  'muster-*',
];
const ANSWER_FIELDS = ['x-request-id  muster-*'];

/** By code: letters small, digits as they are, everything else `-`. */
const FOLDED = new Uint8Array(256).fill(0x2d);
for (let code = 0x30; code <= 0x39; code++) FOLDED[code] = code;
for (let code = 0x61; code <= 0x7a; code++) FOLDED[code] = FOLDED[code - 0x20] = code;

/** Longer names share the last bit. */
const LENGTH_BITS = 31;

export class FieldNames {
  readonly #names = new Set<string>();
  /** Beginnings. */
  readonly #families: string[] = [];
  /** By the first two characters: a bit for each length that a name with them may have. It keeps nearly all other names from a closer look. */
  readonly #lengths = new Uint32Array(32 * 32);

  /** `names`: as in the list above, several in a text. */
  constructor(names: readonly string[]) {
    for (const name of names.flatMap((text) => text.trim().split(/\s+/)))
      this.#add(foldedName(name), name.endsWith('*'));
  }

  /** Whether the name between the indices, a token, is one of them. */
  has(text: string, from: number, to: number): boolean {
    const length = Math.min(to - from, LENGTH_BITS);
    const lengths = this.#lengths[pairOf(text.charCodeAt(from), text.charCodeAt(from + 1))]!;
    return (lengths & (1 << length)) !== 0 && this.#holds(foldedName(text.slice(from, to)));
  }

  #add(folded: string, isFamily: boolean): void {
    const name = isFamily ? folded.slice(0, -1) : folded;
    const length = Math.min(name.length, LENGTH_BITS);
    // `-1 << length` has the bits of this length and of all longer ones.
    this.#lengths[pairOf(name.charCodeAt(0), name.charCodeAt(1))]! |= isFamily ? -1 << length : 1 << length;
    if (isFamily) this.#families.push(name);
    else this.#names.add(name);
  }

  #holds(folded: string): boolean {
    return this.#names.has(folded) || this.#families.some((family) => folded.startsWith(family));
  }
}

function pairOf(first: number, second: number): number {
  return ((FOLDED[first]! & 31) << 5) | (FOLDED[second]! & 31);
}

/** In lower case, with `-` for whatever is no letter or digit: two names that CGI reads alike are one. */
export function foldedName(name: string): string {
  let folded = '';
  for (let index = 0; index < name.length; index++) folded += String.fromCharCode(FOLDED[name.charCodeAt(index)]!);
  return folded;
}

/** What only a trusted proxy may say in a request. */
export const SAID_BY_PROXIES = new FieldNames(PROXY_FIELDS);

/** The same, and what a listener adds: names, or beginnings with a `*` behind them. */
export function saidByProxies(added: readonly string[]): FieldNames {
  return added.length === 0 ? SAID_BY_PROXIES : new FieldNames([...PROXY_FIELDS, ...added]);
}

/** What only Muster says in an answer. */
export const OWN_IN_ANSWERS = new FieldNames(ANSWER_FIELDS);
