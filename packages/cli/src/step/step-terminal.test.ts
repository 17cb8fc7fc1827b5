/** The step screen from the first frame to the last key, over a real log, with streams in place of the terminal. */
import { EventEmitter } from 'node:events';
import { createMemoryJournal } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import { createReplay, type ReplaySource } from '@muster/replay';
import { expect, test } from 'vitest';
import { eventSearch, StepReader } from './step-reader.ts';
import { runStepScreen, type StepKeyboard, type StepTerminal } from './step-terminal.ts';

const NOW_MS = 1_800_000_000_000;

async function source(): Promise<ReplaySource> {
  let nowMs = NOW_MS;
  const journal = createMemoryJournal({ now: () => (nowMs += 1_000), epoch: 'e' });
  const events: readonly (readonly [subject: string, payload: object])[] = [
    ['pool.p', { type: 'PoolDefined' }],
    ['backend.p.a', { type: 'BackendRegistered', target: '10.0.0.1:80' }],
    ['backend.q.a', { type: 'BackendRegistered', target: '10.0.0.1:80' }],
    ['backend.p.a', { type: 'BackendModeSet', mode: 'drain', reason: 'upgrade\u001b[2J' }],
  ];
  for (const [index, [subject, payload]] of events.entries()) {
    const text = JSON.stringify(payload);
    await journal.append({ id: `e-${index}`, subject: `muster.demo.${subject}`, origin: 'cli:alice', payload: text });
  }
  return {
    name: 'a.muster',
    cluster: 'demo',
    node: 'lb-1',
    head: () => journal.head(),
    read: (options) => journal.read(options),
    loadSnapshot: (atOrBefore) => journal.loadSnapshot(atOrBefore),
    async *observations() {},
    observedSinceMs: async () => null,
  };
}

class FakeTerminal extends EventEmitter {
  readonly columns = 110;
  readonly rows = 12;
  written = '';
  #seen: (() => void) | null = null;

  write(text: string): boolean {
    this.written += text;
    this.#seen?.();
    return true;
  }

  /** The newest frame, once it holds a text. */
  async frameWith(text: string): Promise<string> {
    while (!this.#frame().includes(text)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#seen = resolve;
      await promise;
    }
    return this.#frame();
  }

  #frame(): string {
    return this.written.split('\u001b[H').at(-1)!;
  }
}

class FakeKeyboard extends EventEmitter {
  isRaw = false;

  setRawMode(isRaw: boolean): this {
    this.isRaw = isRaw;
    return this;
  }

  setEncoding = (): this => this;
  resume = (): this => this;
  pause = (): this => this;
}

test('a person walks, searches, jumps and leaves, and the terminal is as it was', async () => {
  const replay = createReplay(await source());
  const reader = new StepReader(replay, { at: 4, node: undefined, now: () => NOW_MS + 60_000 });
  const about = { source: 'a.muster', cluster: 'demo', node: 'lb-1', range: await reader.range() };
  const [terminal, keyboard] = [new FakeTerminal(), new FakeKeyboard()];
  const running = runStepScreen({
    reader,
    about,
    terminal: terminal as unknown as StepTerminal,
    keyboard: keyboard as unknown as StepKeyboard,
    ended: new Promise(() => undefined),
  });
  const first = await terminal.frameWith('▶4');
  expect(first).toContain('mode         ready → drain (upgrade\\u001b[2J)');
  expect(keyboard.isRaw).toBe(true);
  keyboard.emit('data', '\u001b[A');
  expect(await terminal.frameWith('▶3')).toContain('unknown-pool');
  keyboard.emit('data', '/type=PoolDefined\r');
  await terminal.frameWith('nothing that way');
  keyboard.emit('data', 'N');
  expect(await terminal.frameWith('▶1')).toContain('+ pool p');
  keyboard.emit('data', ':99\r');
  await terminal.frameWith('has no revision 99');
  keyboard.emit('data', ':e-1\r');
  expect(await terminal.frameWith('▶2')).toContain('+ backend p/a');
  keyboard.emit('data', '2');
  expect(await terminal.frameWith('[2 state]')).toContain('pool p: 1 of 1 eligible');
  keyboard.emit('data', 'q');
  await running;
  expect(keyboard.isRaw).toBe(false);
  expect(terminal.written.endsWith('\u001b[?1049l')).toBe(true);
  expect([terminal.listenerCount('resize'), keyboard.listenerCount('data')]).toEqual([0, 0]);
});

test.each(['keyboard', 'signal'])('it ends with its %s', async (by) => {
  const replay = createReplay(await source());
  const reader = new StepReader(replay, { at: 1, node: undefined, now: () => NOW_MS });
  const about = { source: 'a.muster', cluster: 'demo', node: 'lb-1', range: await reader.range() };
  const [terminal, keyboard] = [new FakeTerminal(), new FakeKeyboard()];
  const streams = { terminal: terminal as unknown as StepTerminal, keyboard: keyboard as unknown as StepKeyboard };
  const signal = Promise.withResolvers<void>();
  const running = runStepScreen({ reader, about, ...streams, ended: signal.promise });
  if (by === 'keyboard') keyboard.emit('end');
  else signal.resolve();
  await running;
  expect(keyboard.isRaw).toBe(false);
  expect(terminal.written.endsWith('\u001b[?1049l')).toBe(true);
});

test('a search is filters, or any part of a line', async () => {
  const events: RecordedEvent[] = [];
  for await (const event of (await source()).read()) events.push(event);
  const found = (text: string): number[] => events.filter(eventSearch(text)).map(({ revision }) => revision);
  expect(found('DRAIN')).toEqual([4]);
  expect(found('backend=p/a type=BackendRegistered')).toEqual([2]);
  expect(found('origin=cli:*')).toEqual([1, 2, 3, 4]);
  expect(() => eventSearch('type=BackendRegistred')).toThrow(/did you mean "BackendRegistered"/);
  expect(() => eventSearch('  ')).toThrow(/nothing to search for/);
});
