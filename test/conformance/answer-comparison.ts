/**
 * Compares what a client was told with what the oracle reads in the backend's own bytes, and lists the differences that are meant.
 *
 * An answer that a client takes for whole must be whole for the oracle, and the same. That the data plane refuses more (502, or
 * a visible cut) is safe; each reason is listed. RFC sections without a number before them are of RFC 9112.
 */
import { readAsNodeClient, type ReadAnswer } from './node-client-reading.ts';
import type { Passage } from './memory-proxy.ts';

/** Reasons for which an answer is refused that the oracle takes. */
export const ANSWER_REFUSED_HERE: Readonly<Record<string, string>> = {
  status_line: '4: the version is HTTP/1.1 or HTTP/1.0; the oracle also takes HTTP/2.0 and other protocols',
  status: '9110, 15: statuses are between 100 and 599',
  bare_carriage_return: '2.2: a CR without LF; the oracle skips some before a status line',
  bare_line_feed: '2.2: an LF without CR; the oracle skips some before a status line',
  control_character: '9110, 5.5: control characters; the oracle lets them stand in a reason phrase',
  coding: '6.1: chunked once and last; the oracle reads up to the end of the connection',
  coding_unknown: '6.1: a coding that is not understood',
  coding_in_http10: '6.1: HTTP/1.0 has no Transfer-Encoding',
  coding_without_body: '6.1: no Transfer-Encoding in 1xx and 204',
  length: '6.3: a length that cannot be counted to, or none',
  connection_option: '9110, 7.6.1: options are tokens',
  connection_nomination: '9110, 7.6.1: a field for every recipient must not be named',
  chunk_extension: '7.1.1: a name, and a value that is a token or a quoted string',
  upgrade: '9110, 7.8: protocols are tokens',
};

const withoutTab = (text: string): string => text.replaceAll(/^(transfer-encoding:[ \t]*chunked)[ \t]+\r$/gim, '$1\r');

/** The heads as they should have come, interim ones too: written anew, so that the code under test is not its own oracle. */
function mended(text: string): string {
  const head = /^[^]*?\n\r?\n/.exec(text)?.[0] ?? '';
  const rest = text.slice(head.length);
  return mendedHead(head) + (/^HTTP\/1\.[0-9] 1/.test(head) ? mended(rest) : rest);
}

function mendedHead(head: string): string {
  const whole = head.includes('\r') ? head : head.replaceAll('\n', '\r\n');
  const lines = whole.replaceAll(/\r\n[ \t]+/g, ' ').replaceAll(/^([!#$%&'*+.^_`|~0-9a-z-]+)[ \t]+:/gim, '$1:');
  const lengths = [...lines.matchAll(/^content-length:[ \t]*(.*?)[ \t]*\r$/gim)].flatMap(([, value]) =>
    value!.split(/[ \t]*,[ \t]*/),
  );
  if (lengths.length < 2 || new Set(lengths).size > 1) return lines;
  const once = lines.replace(/^content-length:.*\r\n/im, `X-Length: ${lengths[0]!}\r\n`);
  return once.replaceAll(/^content-length:.*\r\n/gim, '').replace('X-Length', 'Content-Length');
}

/** What the client reads, and the oracle does not: each with the same bytes as the oracle should read them. */
const TAKEN_HERE: readonly { readonly name: string; readonly without: (text: string) => string }[] = [
  // 9110, 2.5: a later minor version is read as HTTP/1.1.
  {
    name: 'a later minor version',
    without: (text) => text.replaceAll(/^HTTP\/1\.[2-9] /gm, 'HTTP/1.1 '),
  },
  // 2.2, 5.1, 5.2 and 6.3: what a proxy must or may mend in an answer.
  {
    name: 'a mended head',
    without: mended,
  },
  // 7.1.1 and 9110, 5.6.3: bad whitespace must be parsed and removed; extensions are never forwarded.
  {
    name: 'whitespace around chunk extensions',
    without: (text) => text.replaceAll(/^([0-9a-f]{1,16})[ \t]*;[^\r\n]*\r$/gim, '$1\r'),
  },
  // 9110, 5.6.3: whitespace around a value is spaces and tabs; the field is written anew.
  {
    name: 'a tab behind chunked',
    without: withoutTab,
  },
  // 9110, 6.5.1: a trailer that frames is ignored, and left out.
  {
    name: 'framing fields among the trailers',
    without: (text) =>
      text.replaceAll(
        /(?<=\n0+(?:;[^\r\n]*)?\r\n(?:[^\r\n:]+:[^\r\n]*\r\n)*)(content-length|transfer-encoding):[^\r\n]*\r\n/gi,
        '',
      ),
  },
  // 9112, 9.3 and 9110, 15.2: that the connection will end is said by the final answer; an interim one, of any version, ends nothing.
  {
    name: 'an interim answer that closes',
    without: (text) =>
      text
        .replaceAll(/HTTP\/1\.0 (?=1[0-9]{2}\b)/g, 'HTTP/1.1 ')
        .replaceAll(/(?<=HTTP\/1\.1 1[0-9]{2}[^\n]*\n(?:[^\r\n]+\r\n)*)connection:[^\r\n]*\r\n/gi, ''),
  },
];

const NOT_END_TO_END = new Set(
  [
    ['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade', 'proxy-authenticate'],
    ['proxy-authentication-info'],
  ].flat(),
);

/** Returns what happened, in a word; throws with a sentence where the client was told something that the backend did not say. */
export async function compareAnswers(method: string, text: string, passage: Passage): Promise<string> {
  const told = await readAsNodeClient(method, passage.answered, passage.isOver);
  const said = await readAsNodeClient(method, text, true);
  if (told.status === 502 && valueOf(told, 'muster-reason') !== null) {
    must(told.isComplete && told.failure === null, 'is refused in a way that a client cannot read');
    return refusedAs(passage, await readAsNodeClient(method, withoutTab(text), true));
  }
  must(
    told.status === 0 || told.failure === null || !told.isComplete,
    `is forwarded in a way that a client refuses: ${told.failure}`,
  );
  if (!told.isComplete) {
    must(passage.isOver, 'neither came to its end nor was cut off');
    return refusedAs(passage, await readAsNodeClient(method, withoutTab(text), true));
  }
  const fault = faultOf(told, said);
  if (fault === null) return 'same';
  for (let choice = 1; choice < 2 ** TAKEN_HERE.length; choice++) {
    const causes = TAKEN_HERE.filter((_cause, index) => (choice & (1 << index)) !== 0);
    const comparable = causes.reduce((before, { without }) => without(before), text);
    if (comparable === text || faultOf(told, await readAsNodeClient(method, comparable, true)) !== null) continue;
    return causes.map(({ name }) => name).join(' and ');
  }
  throw new Error(`an answer ${fault}`);
}

function refusedAs({ refusal }: Passage, said: ReadAnswer): string {
  if (!said.isComplete || said.status < 200) return 'refused by both';
  const reason = refusal?.reason ?? 'nothing';
  must(reason in ANSWER_REFUSED_HERE, `is refused here alone, as ${reason}, which is not listed`);
  return `refused here: ${reason}`;
}

function faultOf(told: ReadAnswer, said: ReadAnswer): string | null {
  if (!said.isComplete) return `is whole here, and for the oracle it is not (${said.failure})`;
  if (told.status !== said.status) return `has the status ${told.status} here`;
  if (told.interimCount !== said.interimCount)
    return `has ${told.interimCount} interim answers here, and ${said.interimCount} there`;
  if (told.body !== said.body) return `has the body ${JSON.stringify(told.body)} here`;
  const [here, there] = [endToEnd(told, said), endToEnd(said, said)];
  return here === there ? null : `has the fields ${here} here instead of ${there}`;
}

function valueOf({ fields }: ReadAnswer, name: string): string | null {
  const index = fields.findIndex((field, at) => at % 2 === 0 && field.toLowerCase() === name);
  return index < 0 ? null : fields[index + 1]!;
}

/** What a backend says so is not passed on, however it is spelt. */
const MUSTERS_OWN = /^(?:muster[^0-9a-z]|x[^0-9a-z]request[^0-9a-z]id$)/i;

/** The fields of `answer` that go on, without what the data plane adds where `said` has none. */
function endToEnd(answer: ReadAnswer, said: ReadAnswer): string {
  const nominated = said.fields.flatMap((name, index) =>
    index % 2 === 0 && name.toLowerCase() === 'connection'
      ? said.fields[index + 1]!.toLowerCase().split(/[ \t]*,[ \t]*/)
      : [],
  );
  const dropped = new Set([...NOT_END_TO_END, ...nominated]);
  if (valueOf(said, 'date') === null) dropped.add('date');
  if (said.status === 204) dropped.add('content-length');
  const kept: string[] = [];
  for (let index = 0; index < answer.fields.length; index += 2) {
    const [name, value] = [answer.fields[index]!, answer.fields[index + 1]!];
    const isOurs = name === 'Via' && /^1\.[0-9] muster$/.test(value);
    if (!isOurs && !MUSTERS_OWN.test(name) && !dropped.has(name.toLowerCase())) kept.push(name, value);
  }
  return JSON.stringify(kept);
}

function must(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(`an answer ${sentence}`);
}
