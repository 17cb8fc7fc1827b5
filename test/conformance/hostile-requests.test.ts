/** What must be refused is refused, in one piece and cut anywhere, and the backend does not see a byte of it. */
import { sample } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HOSTILE_REQUESTS } from './hostile-requests.ts';
import { MemoryProxy } from './memory-proxy.ts';
import { readAsNodeServer } from './node-server-reading.ts';
import { requestStreamArbitrary } from './request-grammar.ts';
import { RawClient, SocketProxy } from './socket-proxy.ts';

const BEHIND = 'GET /behind HTTP/1.1\r\nHost: a\r\n\r\n';
/** Longer ones are only cut near their ends. */
const CUT_EVERYWHERE_BYTES = 400;
const REFUSED_CASES = 2_000;
const CLIENTS_AT_A_TIME = 32;

/** What a client was told, which must be one answer; one to HEAD has no body. */
function onlyAnswer(text: string, isHead = false): { status: number; isWhole: boolean } {
  const match = /^HTTP\/1\.1 ([0-9]{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(text);
  const length = isHead ? 0 : Number(/^Content-Length: ([0-9]+)\r$/m.exec(match?.[2] ?? '')?.[1] ?? NaN);
  const isClosing = /^Connection: close\r$/m.test(match?.[2] ?? '');
  return { status: Number(match?.[1] ?? 0), isWhole: isClosing && text.length === (match?.[0].length ?? 0) + length };
}

/** Sends it through sockets; what the client was told up to the end of the connection. */
async function refusalOf(proxy: SocketProxy, text: string): Promise<{ status: number; isWhole: boolean }> {
  const client = new RawClient(proxy.port);
  client.send(text);
  const told = await client.all();
  // A head that was refused is answered as if it were not known what it asks for.
  const hasBody = onlyAnswer(told).isWhole;
  return onlyAnswer(told, !hasBody && /^(\r\n)?HEAD /.test(text));
}

describe('a hostile request', () => {
  test.each(HOSTILE_REQUESTS)('$name: $status ($section)', async ({ text, status, isInBody }) => {
    await using proxy = await new SocketProxy(() => undefined).open();
    expect(await refusalOf(proxy, text + BEHIND)).toEqual({ status, isWhole: true });
    // What is too long for one read goes on as it comes, up to the fault, and is cut off there.
    const isInOneRead = !isInBody || text.length < CUT_EVERYWHERE_BYTES;
    expect(isInOneRead ? proxy.received === '' : isCutOff(proxy.received)).toBe(true);
  });

  test('is refused wherever it is cut', async () => {
    await using proxy = await MemoryProxy.open();
    for (const { name, text, status, isInBody } of HOSTILE_REQUESTS) {
      const bytes = Buffer.from(text + BEHIND, 'latin1');
      for (const pieces of cutsOf(bytes)) {
        const passage = proxy.pass(pieces);
        expect([name, onlyAnswer(passage.answered), passage.isOver]).toEqual([name, { status, isWhole: true }, true]);
        const isHarmless = passage.forwarded.every(isInBody ? isCutOff : (sent) => sent === '');
        expect([name, isHarmless]).toEqual([name, true]);
      }
    }
  });
});

test('not a byte of what the fuzzer finds refused reaches a backend', { timeout: 120_000 }, async () => {
  const texts = await refusedTexts(REFUSED_CASES);
  await using proxy = await new SocketProxy(() => undefined).open();
  let next = 0;
  const send = async () => {
    for (let text = texts[next++]; text !== undefined; text = texts[next++]) {
      const { status, isWhole } = await refusalOf(proxy, text);
      expect([text, status >= 400, isWhole]).toEqual([text, true, true]);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS_AT_A_TIME }, send));
  expect(texts).toHaveLength(REFUSED_CASES);
  expect(proxy.received).toBe('');
  expect(proxy.connections).toHaveLength(0);
});

test('a request that does not come to its end in time is told so', async () => {
  await using proxy = await new SocketProxy(() => undefined).open({ headTimeoutMs: 100 });
  expect(await refusalOf(proxy, 'GET / HTTP/1.1\r\nHost: a\r\nA')).toEqual({ status: 408, isWhole: true });
  expect(proxy.received).toBe('');
});

test('a body above the limit is refused by what its head says', async () => {
  await using proxy = await new SocketProxy(() => undefined).open({ maxBodyBytes: 10 });
  const length = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello';
  const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n';
  for (const text of [length, chunked]) expect(await refusalOf(proxy, text)).toEqual({ status: 413, isWhole: true });
  expect(proxy.received).toBe('');
});

/** Whether a backend can take the bytes for nothing else than the beginning of one request. */
function isCutOff(sent: string): boolean {
  const { requests, failure } = readAsNodeServer(Buffer.from(sent, 'latin1'));
  const isOne = sent === '' || (requests.length === 1 && !requests[0]!.isComplete);
  return isOne && (failure === null || failure === 'HPE_INVALID_EOF_STATE');
}

/** In two reads, cut everywhere, and then byte by byte. */
function* cutsOf(bytes: Buffer): Iterable<Buffer[]> {
  const isLong = bytes.length > CUT_EVERYWHERE_BYTES;
  for (let index = 1; index < bytes.length; index++) {
    if (isLong && index > 100 && index < bytes.length - 100) continue;
    yield [bytes.subarray(0, index), bytes.subarray(index)];
  }
  if (!isLong) yield Array.from(bytes, (_byte, index) => bytes.subarray(index, index + 1));
}

/** Streams of the fuzzer's whose first request is refused at once. */
async function refusedTexts(count: number): Promise<string[]> {
  await using proxy = await MemoryProxy.open();
  const texts: string[] = [];
  for (let seed = 0; texts.length < count; seed++) {
    for (const { text } of sample(requestStreamArbitrary, { seed, numRuns: count })) {
      const { refusal, forwarded } = proxy.pass([Buffer.from(text, 'latin1')]);
      if (refusal !== null && forwarded.length === 0 && texts.length < count) texts.push(text);
    }
  }
  return texts;
}
