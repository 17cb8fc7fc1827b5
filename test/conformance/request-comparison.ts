/**
 * Compares what was forwarded of a client's bytes with what the oracle reads in the same bytes.
 *
 *     client's bytes ──► oracle ──────────────────────► requests 1, 2, 3 …, failure
 *         └──────► data plane ──► forwarded ──► oracle ► requests 1, 2 …               refusal
 *
 * The first as far as both go must be the same requests, byte for byte in what is end to end. Where one goes further than the
 * other, that is a difference, which must have its line in `request-differences.ts`.
 */
import { readAsNodeServer, type ReadRequest, type ServerReading } from './node-server-reading.ts';
import { BACKEND_TARGET, type Passage, type Refusal } from './memory-proxy.ts';
import {
  ENDED_HERE,
  FORWARDED_HERE,
  NOT_UPGRADE,
  HTTP09_REFUSED_HERE,
  REFUSED_HERE,
  STAND_IN_METHOD,
  isExtensionMethod,
  withoutUpgrade,
} from './request-differences.ts';

/** One stream's two readings part here. */
export type Difference =
  /** The oracle has read a request that was refused by the data plane. */
  | { readonly kind: 'refused_here'; readonly request: ReadRequest; readonly refusal: Refusal }
  /** The oracle reads on where the data plane has ended the connection after a good request. */
  | { readonly kind: 'ended_here'; readonly after: ReadRequest }
  /** The oracle has read a request, for more of which the data plane waits. */
  | { readonly kind: 'unfinished_here'; readonly request: ReadRequest }
  /** Forwarded, although the oracle refuses it, or waits for more of it. */
  | { readonly kind: 'forwarded_here'; readonly request: ReadRequest; readonly failure: string | null };

export interface Comparison {
  /** How many requests both have read. */
  readonly sameCount: number;
  /** Null where there is none. */
  readonly difference: Difference | null;
  /** Names of what had to be taken out of the text before the oracle read it in the same way. */
  readonly causes: readonly string[];
}

/** The bytes ended within a message. */
const CUT_OFF = 'HPE_INVALID_EOF_STATE';

/** Fields that are for one hop, or that the data plane writes itself. */
const NOT_END_TO_END = new Set(
  [
    ['host', 'connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade', 'http2-settings'],
    [
      'proxy-authorization',
      NOT_UPGRADE,
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-host',
      'forwarded',
      'x-request-id',
    ],
  ].flat(),
);

/** Throws with a sentence where what was forwarded is not one clear reading of what came, or where an unlisted difference is. */
export function compareRequests(text: string, passage: Passage): Comparison {
  checkRefusal(passage);
  const comparable = withKnownMethods(text, passage.understood);
  const withoutIt = withoutUpgrade(comparable);
  if (withoutIt === comparable) return compareComparable(comparable, text, passage);
  try {
    return compareComparable(withoutIt, text, passage);
  } catch (fault) {
    // What was renamed may have been a part of a body: then the text itself has no Upgrade, and must stand as it is.
    if (/^connection:.*upgrade/im.test(text) && passage.refusal === null) throw fault;
    return compareComparable(comparable, text, passage);
  }
}

function compareComparable(beginning: string, text: string, passage: Passage): Comparison {
  const causes: string[] = [];
  let comparable = beginning;
  for (;;) {
    const comparison = compareOnce(comparable, passage);
    const { difference } = comparison;
    if (difference?.kind !== 'forwarded_here') {
      if (difference !== null) mustBeListed(difference, text);
      return { ...comparison, causes };
    }
    const cause = FORWARDED_HERE.find(
      ({ failures, without }) => failures.includes(difference.failure) && without(comparable) !== comparable,
    );
    must(cause !== undefined, `is forwarded that the oracle does not serve (${difference.failure ?? 'unfinished'})`);
    comparable = cause.without(comparable);
    causes.push(cause.name);
  }
}

function compareOnce(text: string, passage: Passage): Omit<Comparison, 'causes'> {
  const oracle = readAsNodeServer(Buffer.from(text, 'latin1'));
  const served = servedOf(oracle);
  let sameCount = 0;
  for (const sent of passage.forwarded) {
    const request = onlyRequest(withKnownMethod(sent));
    const original = served[sameCount];
    const isCutOff = !request.isComplete && passage.refusal !== null;
    if (isCutOff) break;
    const isWaitedForHere = !request.isComplete && original?.isComplete === false && oracle.failure !== CUT_OFF;
    if (isWaitedForHere && original.body.startsWith(withoutUpgrade(request.body))) break;
    if (original === undefined || (request.isComplete && !original.isComplete) || isWaitedForHere) {
      return { sameCount, difference: { kind: 'forwarded_here', request, failure: oracle.failure } };
    }
    if (!request.isComplete) {
      must(!original.isComplete, 'is forwarded in part, and the oracle has all of it');
      mustBeSame(request, original);
      break;
    }
    mustBeSame(request, original);
    must(passage.understood[sameCount]?.target === original.target, 'was understood to have another target');
    sameCount++;
  }
  return { sameCount, difference: furtherReading(served, sameCount, passage) };
}

/** A refusal is told, and is the end: what is behind it is no request. */
function checkRefusal({ refusal, isOver, answered }: Passage): void {
  if (refusal === null) return;
  must(isOver, 'is refused, and its connection goes on');
  const status =
    /^HTTP\/1\.1 ([0-9]{3}) [^\n]*\r\n(?:[^\r\n]+\r\n)*Connection: close\r\n(?:[^\r\n]+\r\n)*\r\n[^\r]*$/m.exec(
      answered,
    )?.[1];
  must(
    status === String(refusal.status),
    `is refused with ${refusal.status}, and its client is told ${JSON.stringify(answered)}`,
  );
}

/** The text with a method that the oracle knows in the place of each one that it does not. */
function withKnownMethods(text: string, understood: Passage['understood']): string {
  let comparable = '';
  let from = 0;
  for (const { method, target } of understood) {
    const line = `${method} ${target} HTTP/1.`;
    // An unknown one is looked for where a line begins: `ET /x` is a part of `GET /x`, which may stand in a body before it.
    const lineStart = isExtensionMethod(method) ? text.indexOf(`\n${line}`, from) : -1;
    const index = lineStart < 0 ? text.indexOf(line, from) : lineStart + 1;
    if (index < 0) break;
    comparable += text.slice(from, index) + (isExtensionMethod(method) ? STAND_IN_METHOD : method);
    from = index + method.length;
  }
  return comparable + text.slice(from);
}

function withKnownMethod(sent: string): string {
  const method = sent.slice(0, sent.indexOf(' '));
  return isExtensionMethod(method) ? STAND_IN_METHOD + sent.slice(method.length) : sent;
}

function mustBeListed(difference: Exclude<Difference, { kind: 'forwarded_here' }>, text: string): void {
  switch (difference.kind) {
    case 'refused_here': {
      if (HTTP09_REFUSED_HERE.isSo(difference.request)) return;
      const listed = REFUSED_HERE[difference.refusal.reason];
      must(listed !== undefined, `is refused here alone, as ${difference.refusal.reason}, which is not listed`);
      must(listed.isSo(difference.request, text), `is refused as ${difference.refusal.reason}, and is not so`);
      return;
    }
    case 'ended_here':
      return must(ENDED_HERE.isSo(difference.after), 'is the last one here alone');
    case 'unfinished_here':
      return must(false, 'is waited for here, and the oracle has all of it');
  }
}

function furtherReading(served: readonly ReadRequest[], sameCount: number, passage: Passage): Difference | null {
  const request = served[sameCount];
  if (request === undefined || !request.isComplete) return null;
  if (passage.refusal !== null) return { kind: 'refused_here', request, refusal: passage.refusal };
  if (passage.isOver && sameCount > 0) return { kind: 'ended_here', after: served[sameCount - 1]! };
  return { kind: 'unfinished_here', request };
}

/** Requests that were handed to the application; after one without Host the connection is done. */
function servedOf({ requests }: ServerReading): readonly ReadRequest[] {
  const unserved = requests.findIndex(({ isServed }) => !isServed);
  return unserved === -1 ? requests : requests.slice(0, unserved);
}

/** What a backend reads on one connection: one request and nothing else, whole or cut off. */
function onlyRequest(text: string): ReadRequest {
  const { requests, failure } = readAsNodeServer(Buffer.from(text, 'latin1'));
  must(requests.length === 1, `is forwarded as ${requests.length} requests: ${JSON.stringify(text)}`);
  const request = requests[0]!;
  must(request.isServed, `is forwarded as a request that is refused: ${JSON.stringify(text)}`);
  const isCut = !request.isComplete && failure === CUT_OFF;
  must(failure === null || isCut, `is forwarded and then refused as ${failure}: ${JSON.stringify(text)}`);
  return request;
}

function mustBeSame(request: ReadRequest, original: ReadRequest): void {
  const { target, authority } = forwardedTarget(original);
  must(request.method === original.method, `is forwarded with the method ${request.method}`);
  must(request.target === target, `is forwarded with the target ${request.target}`);
  must(withoutUpgrade(request.body) === original.body, `is forwarded with the body ${JSON.stringify(request.body)}`);
  const host = valuesOf(request, 'host');
  must(host.length === 1 && host[0] === (authority || BACKEND_TARGET), `is forwarded with the host ${host.join()}`);
  must(/^1\.[0-9] muster$/.test(valuesOf(request, 'via').at(-1) ?? ''), 'is forwarded without Via');
  const fields = JSON.stringify(endToEnd(request, valuesOf(request, 'via').length));
  const expected = JSON.stringify(endToEnd(original, Infinity));
  must(fields === expected, `is forwarded with the fields ${fields} instead of ${expected}`);
}

/** What the target becomes (RFC 9112, 3.2.2 and 3.2.4), and whose it is. */
function forwardedTarget(original: ReadRequest): { target: string; authority: string } {
  const absolute = /^http:\/\/([^/?]*)(.*)$/i.exec(original.target);
  if (absolute === null)
    return { target: normalTarget(original.target), authority: valuesOf(original, 'host')[0] ?? '' };
  const [, authority = '', rest = ''] = absolute;
  if (rest === '' && original.method === 'OPTIONS') return { target: '*', authority };
  return { target: normalTarget(rest.startsWith('/') ? rest : `/${rest}`), authority };
}

/** The path as `new URL` resolves its dots, without needless escapes and empty segments. */
function normalTarget(target: string): string {
  if (target === '*') return target;
  const [path = '', ...query] = target.split('?');
  const mended = path
    .replaceAll(/%(?![0-9A-Fa-f]{2})/g, '%25')
    .replaceAll(/%[0-9A-Fa-f]{2}/g, (escape) => escape.toUpperCase())
    .replaceAll(/%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])/g, (escape) => decodeURIComponent(escape))
    .replaceAll(/\/{2,}/g, '/');
  // `new URL` escapes `^` and leaves what else may stand here as it is.
  const resolved = new URL(`http://a${mended}`).pathname.replaceAll('%5E', '^');
  return [resolved, ...query].join('?');
}

function valuesOf({ fields }: ReadRequest, name: string): string[] {
  return fields.filter((_value, index) => index % 2 === 1 && fields[index - 1]!.toLowerCase() === name);
}

/** Of what the grammar makes and the mutations leave of it; written anew, so that the list under test is not its own oracle. */
const SAID_BY_PROXIES =
  /^(?:client[^0-9a-z]ip$|x[^0-9a-z](?:real|original|forwarded|client[^0-9a-z]ip$|envoy[^0-9a-z])|proxy$|x[^0-9a-z](?:ssl|host|scheme)$)/i;

/** Names and values that go on. `viaIndex` counts the Via fields up to the one that the data plane has added. */
function endToEnd(request: ReadRequest, addedVia: number): string[] {
  const nominated = valuesOf(request, 'connection').flatMap((value) => value.toLowerCase().split(','));
  const dropped = new Set([...NOT_END_TO_END, ...nominated.map((name) => name.replaceAll(/^[ \t]+|[ \t]+$/g, ''))]);
  if (request.method === 'OPTIONS' || request.method === 'TRACE') dropped.add('max-forwards');
  if (request.version === '1.0') dropped.add('expect');
  let viaCount = 0;
  const kept: string[] = [];
  for (let index = 0; index < request.fields.length; index += 2) {
    const name = request.fields[index]!;
    if (name.toLowerCase() === 'via' && ++viaCount === addedVia) continue;
    if (!dropped.has(name.toLowerCase()) && !SAID_BY_PROXIES.test(name)) kept.push(name, request.fields[index + 1]!);
  }
  return kept;
}

function must(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(`a request ${sentence}`);
}
