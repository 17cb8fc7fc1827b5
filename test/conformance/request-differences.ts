/**
 * Every difference between the data plane and the oracle that is meant, with its reason. What is not here fails the fuzzer.
 *
 *     refused here      the oracle serves it       safe: one line per reason of a refusal, and what must be true of the request
 *     ended here        the oracle reads on        safe: the client sends again
 *     forwarded here    the oracle refuses it      dangerous: each line says how the text reads without the cause, and then both
 *                                                  must agree on every byte
 *
 * RFC sections without a number before them are of RFC 9112.
 */
import { METHODS } from 'node:http';
import { isIPv6 } from 'node:net';
import type { ReadRequest } from './node-server-reading.ts';

export interface RefusedHere {
  readonly why: string;
  /** Whether the request, or the client's whole text, has what it was refused for. */
  readonly isSo: (request: ReadRequest, text: string) => boolean;
}

const valuesOf = ({ fields }: ReadRequest, name: string): string[] =>
  fields.filter((_value, index) => index % 2 === 1 && fields[index - 1]!.toLowerCase() === name);
const optionsOf = (request: ReadRequest): string[] =>
  valuesOf(request, 'connection').flatMap((value) => value.split(','));
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
const OPTION = /^[ \t]*[!#$%&'*+.^_`|~0-9a-z-]+[ \t]*$/i;
const SERVED_TARGET = /^((http:\/\/[^/?]*)?(\/[!$-;=@-[\]^_a-z|~]*)?(\?[!$-;=?-~]*)?|\*)$/i;
const NAME_AND_PORT = /^(?:[a-z0-9._~-]+|\[([^\]]+)\])(?::([0-9]{1,5}))?$/i;
/** A name or an address, and perhaps a port. */
function isPlainAuthority(text: string): boolean {
  const [whole, address, port = '0'] = NAME_AND_PORT.exec(text) ?? [];
  return whole !== undefined && (address === undefined || isIPv6(address)) && Number(port) <= 65_535;
}
const authorityOf = ({ target }: ReadRequest): string => /^[a-z][a-z0-9+.-]*:\/\/([^/?]*)/i.exec(target)?.[1] ?? '';
/** What was skipped before a request line is not in what the oracle shows of a request. */
const isBeforeLine = (_request: ReadRequest, text: string): boolean => /[\r\n]/.test(text);
const chunkedBodies = (text: string): boolean => /transfer-encoding/i.test(text);

export const REFUSED_HERE: Readonly<Record<string, RefusedHere>> = {
  bare_carriage_return: {
    why: '2.2: a CR without LF is no line end; the oracle skips any number of them before a request line',
    isSo: isBeforeLine,
  },
  bare_line_feed: {
    why: '2.2: the LF that ends a line follows a CR; the oracle skips any number of them before a request line',
    isSo: isBeforeLine,
  },
  method: {
    why: '2.2 lets a server skip at least one empty line (CRLF) before a request line; an LF or anything else is not one',
    isSo: isBeforeLine,
  },
  request_line: {
    why: '2.2: one empty line before a request line is skipped, not any number of them',
    isSo: isBeforeLine,
  },
  version: {
    why: '2.3: the protocol is HTTP; the oracle also serves RTSP and ICE',
    isSo: (_request, text) => /(RTSP|ICE)\//.test(text),
  },
  version_unsupported: {
    why: '9110, 2.5: HTTP/2.0 and others do not have this syntax',
    isSo: ({ version }) => !version.startsWith('1.'),
  },
  target: {
    why: '3.2, with RFC 3986: characters that no URL has, an authority or an asterisk where a path belongs',
    isSo: ({ target, method }) => !SERVED_TARGET.test(target) || (target === '*' && method !== 'OPTIONS'),
  },
  path_control_character: {
    why: 'RFC 3986, 7.3: no backend has a use for an escaped control character',
    isSo: ({ target }) => /%(?:[01][0-9a-f]|7f)/i.test(target),
  },
  path_hidden_segment: {
    why: 'RFC 3986, 5.2.4: a dot segment, or an empty one, that only some backends see',
    isSo: ({ target }) => /%2f|%5c|%25|%c0|;/i.test(target),
  },
  target_scheme: {
    why: '9110, 7.4: an https resource is not served on a connection that is not secured',
    isSo: ({ target }) => !/^http:/i.test(target),
  },
  target_authority: {
    why: '9110, 4.2.1 and 4.2.4: an http URI has a host and no user information',
    isSo: (request) => !isPlainAuthority(authorityOf(request)),
  },
  host_repeated: { why: '3.2: more than one Host is 400', isSo: (request) => valuesOf(request, 'host').length > 1 },
  host: {
    why: '3.2: an invalid Host is 400; only what a DNS name or an address has is valid here',
    isSo: (request) => !valuesOf(request, 'host').every((host) => isPlainAuthority(host)),
  },
  field_alias: {
    why: 'CGI and WSGI read X_Y as X-Y, and some X.Y: RFC 3875, 4.1.18',
    isSo: ({ fields }) => fields.some((name, index) => index % 2 === 0 && /[^0-9a-z-]/i.test(name)),
  },
  coding_in_http10: {
    why: '6.1: HTTP/1.0 has no Transfer-Encoding, so its framing is faulty',
    isSo: (request) => request.version === '1.0' && valuesOf(request, 'transfer-encoding').length > 0,
  },
  coding: {
    why: '6.1 and 5.6.1 of 9110: chunked once and last; lists with empty elements are not written by anybody honest',
    isSo: (request) => valuesOf(request, 'transfer-encoding').join() !== 'chunked',
  },
  coding_unknown: {
    why: '6.1: a coding that is not understood is 501; the oracle leaves it to the application',
    isSo: (request) => valuesOf(request, 'transfer-encoding').join().toLowerCase() !== 'chunked',
  },
  connection_option: {
    why: '9110, 7.6.1: options are tokens',
    isSo: (request) => optionsOf(request).some((option) => !/^[ \t]*$/.test(option) && !OPTION.test(option)),
  },
  connection_nomination: {
    why: '9110, 7.6.1: a field for every recipient must not be named',
    isSo: (request) =>
      optionsOf(request).some((option) =>
        /^(host|content-length|via|forwarded|x-.*|cookie|expect|date)$/i.test(option.trim()),
      ),
  },
  upgrade: {
    // As `withoutUpgrade` has named it.
    why: '9110, 7.8: protocols are tokens',
    isSo: (request) =>
      valuesOf(request, NOT_UPGRADE).some((value) => value.split(/[,/]/).some((part) => !isSpacedToken(part))),
  },
  expectation: {
    why: '9110, 10.1.1: an expectation that cannot be met; of several lines the oracle looks at the first or last',
    isSo: (request) => valuesOf(request, 'expect').join().toLowerCase() !== '100-continue',
  },
  max_forwards: {
    why: '9110, 7.6.2: one decimal number',
    isSo: (request) =>
      valuesOf(request, 'max-forwards').length > 1 || !/^[0-9]+$/.test(valuesOf(request, 'max-forwards').join()),
  },
  chunk_size: {
    why: '7.1: a size of more than 16 digits, zeros included, overflows many a counter',
    isSo: (_request, text) => chunkedBodies(text) && /[0-9a-f]{17}/i.test(text),
  },
  chunk_extension: {
    why: '7.1.1: a name, and a value that is a token or a quoted string; the oracle takes an empty value or half a quotation',
    isSo: (_request, text) => chunkedBodies(text) && text.includes(';'),
  },
};

/** Whatever its reason is called: the oracle has served the first line, and here there is more to be wrong. */
export const HTTP09_REFUSED_HERE = {
  why: '2.3: a request line names its version; the oracle serves one without, as HTTP/0.9',
  isSo: ({ version }: ReadRequest): boolean => version === '0.9',
};

export const ENDED_HERE = {
  why: '9.3: HTTP/1.0 connections are not kept alive, since its keep-alive is an extension that proxies got wrong (C.2.2)',
  isSo: ({ version }: ReadRequest): boolean => version === '1.0',
};

export interface ForwardedHere {
  readonly name: string;
  readonly why: string;
  /** What the oracle says of it; null where it says nothing and reads no further. */
  readonly failures: readonly (string | null)[];
  /** The same text without the cause. */
  readonly without: (text: string) => string;
}

export const FORWARDED_HERE: readonly ForwardedHere[] = [
  {
    name: 'a later minor version',
    why: '9110, 2.5: it is read as HTTP/1.1, and goes on as such; the oracle knows HTTP/1.1 alone',
    failures: ['HPE_INVALID_VERSION'],
    without: (text) => text.replaceAll(/ HTTP\/1\.[2-9](?=\r\n)/g, ' HTTP/1.1'),
  },
  {
    name: 'whitespace around chunk extensions',
    why: '7.1.1 and 9110, 5.6.3: bad whitespace must be parsed and removed; extensions are never forwarded',
    failures: ['HPE_STRICT', 'HPE_INVALID_CHUNK_SIZE'],
    without: (text) => text.replaceAll(/^([0-9a-f]{1,16})[ \t]*;[^\r\n]*\r$/gim, '$1\r'),
  },
  {
    name: 'framing fields among the trailers',
    why: '9110, 6.5.1: a trailer that frames is ignored; it is left out, and the oracle refuses it where a head would',
    failures: ['HPE_INVALID_CONTENT_LENGTH', 'HPE_INVALID_TRANSFER_ENCODING', 'HPE_UNEXPECTED_CONTENT_LENGTH'],
    without: (text) =>
      text.replaceAll(
        /(?<=\n0+(?:;[^\r\n]*)?\r\n(?:[^\r\n:]+:[^\r\n]*\r\n)*)(content-length|transfer-encoding):[^\r\n]*\r\n/gi,
        '',
      ),
  },
  {
    name: 'a tab behind chunked',
    why: '9110, 5.6.3: whitespace around a value is spaces and tabs; the field is written anew, and the oracle takes off spaces only',
    failures: ['HPE_INVALID_TRANSFER_ENCODING'],
    without: (text) => text.replaceAll(/^(transfer-encoding:[ \t]*chunked)[ \t]+\r$/gim, '$1\r'),
  },
];

/**
 * 9110, 7.8: an Upgrade may be declined, and then a body and the next request follow as ever. The oracle drops what came with the
 * head, so it is shown another name, as long as this one, in the place of Upgrade.
 */
export const NOT_UPGRADE = 'xupgrad';

export function withoutUpgrade(text: string): string {
  return text.replaceAll(/^upgrade:/gim, `${NOT_UPGRADE}:`);
}

/** A token with whitespace around it, which is spaces and tabs alone (RFC 9110, 5.6.3): `trim` would take a no-break space for it. */
function isSpacedToken(text: string): boolean {
  return TOKEN.test(text.replaceAll(/^[ \t]+|[ \t]+$/g, ''));
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);
/** Framed like any other by the oracle. */
export const STAND_IN_METHOD = 'QUERY';

/** 9110, 9.1: methods are an open set, so that a proxy passes on those it does not know; the oracle has a list. */
export function isExtensionMethod(method: string): boolean {
  return !KNOWN_METHODS.has(method);
}
