/** Words over a real server: heard, answered, heard again after a restart, and bounded. */
import { describe, expect, test } from 'vitest';
import { linkHarness, program, toBe } from '../testing/link-harness.ts';
import type { LiveMessage } from '@muster/membership';
import { liveWire } from './live-wire.ts';
import type { NatsLink } from './nats-link.ts';

/** Words that were listened for, in order; `next` waits. */
function ear() {
  const words: LiveMessage[] = [];
  let wake = () => {};
  return {
    onWord: (word: LiveMessage) => {
      words.push(word);
      wake();
    },
    next: async (): Promise<LiveMessage> => {
      while (words.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return words.shift()!;
    },
  };
}

async function settled(...links: readonly NatsLink[]): Promise<void> {
  for (const link of links) await (await link.connected()).flush();
}

describe.skipIf('unavailable' in program)('a live wire', () => {
  test('hears what is said, answers who asked, and stops when told', async () => {
    await using harness = await linkHarness();
    const { url } = await harness.server();
    const [here, there] = [harness.link({ servers: [url] }), harness.link({ servers: [url] })];
    const [mine, theirs] = [liveWire(here, { textCharactersMax: 100 }), liveWire(there, { textCharactersMax: 100 })];
    const { onWord, next } = ear();
    const stop = mine.listen('live.*', onWord);
    await settled(here, there);

    theirs.say('live.a', 'hello');
    const said = await next();
    expect([said.subject, said.text]).toEqual(['live.a', 'hello']);
    expect(() => said.answer('nobody asked')).not.toThrow();

    const answered = there.connection!.request('live.b', 'who?');
    (await next()).answer('me');
    expect((await answered).string()).toBe('me');

    stop();
    await settled(here);
    const further = mine.listen('live.c', onWord);
    await settled(here);
    theirs.say('live.b', 'unheard');
    theirs.say('live.c', 'heard');
    expect((await next()).text).toBe('heard');
    further();
  });

  test('answers a flood of questions with so many bytes a second, and hears all of it', async () => {
    await using harness = await linkHarness();
    const { url } = await harness.server();
    const [node, asker] = [harness.link({ servers: [url] }), harness.link({ servers: [url] })];
    await settled(node, asker);
    const wire = liveWire(node);
    const answer = 'x'.repeat(1_000);
    const count = 20_000;
    let heardCount = 0;
    let answeredBytes = 0;
    const { promise: allHeard, resolve } = Promise.withResolvers<void>();
    wire.listen('live.*', (word) => {
      word.answer(answer);
      if (++heardCount === count) resolve();
    });
    asker.connection!.subscribe('_INBOX.asker', { callback: (_, { data }) => void (answeredBytes += data.length) });
    await settled(node, asker);
    const sinceMs = performance.now();
    for (let index = 0; index < count; index++) {
      asker.connection!.publish(`live.${index % 100}`, 'who?', { reply: '_INBOX.asker' });
    }
    await allHeard;
    const seconds = (performance.now() - sinceMs) / 1_000;
    await settled(node, asker);
    expect(answeredBytes).toBeGreaterThan(500_000);
    expect(answeredBytes).toBeLessThan((seconds + 1) * 1_048_576);
  });

  test('answers to an inbox and to nothing else, whatever the sender asks for', async () => {
    await using harness = await linkHarness();
    const { url } = await harness.server();
    const [node, sender] = [harness.link({ servers: [url] }), harness.link({ servers: [url] })];
    await settled(node, sender);
    const wire = liveWire(node);
    const { onWord, next } = ear();
    wire.listen('live.a', onWord);
    const heard: string[] = [];
    const callback = (_: unknown, message: { subject: string }) => void heard.push(message.subject);
    node.connection!.subscribe('>', { callback });
    await settled(node);
    for (const reply of ['$JS.API.STREAM.PURGE.s', 'muster.demo.pool.p', 'inbox.x', '_INBOX.x']) {
      sender.connection!.publish('live.a', 'beat', { reply });
      (await next()).answer('who?');
    }
    await settled(node);
    expect(heard.filter((subject) => subject !== 'live.a')).toEqual(['_INBOX.x']);
  });

  test('lives on over a restart; what is said while it is cut is dropped', async () => {
    await using harness = await linkHarness();
    const server = await harness.server();
    const link = harness.link({ servers: [server.url] });
    const wire = liveWire(link, { textCharactersMax: 100 });
    const { onWord, next } = ear();
    wire.listen('live.a', onWord);
    const states: boolean[] = [];
    wire.watch((isConnected) => states.push(isConnected));
    await settled(link);
    await server.end('SIGKILL');
    await toBe(link, false);
    wire.say('live.a', 'dropped');
    await server.restart();
    await settled(link);
    wire.say('live.a', 'said');
    expect((await next()).text).toBe('said');
    expect(states).toEqual([false, true, false, true]);
  });

  test('a word that is too long passes by; a subject that is none is dropped', async () => {
    await using harness = await linkHarness();
    const { url } = await harness.server();
    const link = harness.link({ servers: [url] });
    const wire = liveWire(link, { textCharactersMax: 4 });
    const { onWord, next } = ear();
    wire.listen('live.a', onWord);
    await settled(link);
    link.connection!.publish('live.a', 'x'.repeat(5));
    link.connection!.publish('live.a', 'x'.repeat(13));
    wire.say('live.a', '12345');
    wire.say('live a', '1234');
    wire.say('', '1234');
    wire.say('live.a', '四四四四');
    expect((await next()).text).toBe('四四四四');
  });

  test('a subject that may not be heard makes the wire count as cut', async () => {
    await using harness = await linkHarness();
    const denied =
      'authorization { users: [{ user: u, password: p, permissions: { subscribe: { deny: ["live.*"] } } }] }';
    const { url } = await harness.server(denied);
    const link = harness.link({ servers: [url.replace('//', '//u:p@')] });
    const wire = liveWire(link);
    const seen: boolean[] = [];
    const isCutAgain = Promise.withResolvers<void>();
    wire.watch((isConnected) => {
      seen.push(isConnected);
      if (seen.length === 3) isCutAgain.resolve();
    });
    await settled(link);
    wire.listen('live.a', () => undefined);
    await isCutAgain.promise;
    expect(seen).toEqual([false, true, false]);
  });
});
