/**
 * A live wire for tests, in virtual time: one wire, an end for each node or member, and cuts of two kinds.
 *
 * `cut` is noticed by whoever holds the end, as a closed connection is. `swallow` is not: words vanish in both directions and
 * everything looks whole, as when a network drops packets. Like core NATS it delivers what an end says to that end, too.
 */
import type { LiveMessage, LiveWire } from '@muster/membership';
import type { SimulatedClock } from './simulated-clock.ts';

interface Listener {
  readonly pattern: RegExp;
  readonly onMessage: (message: LiveMessage) => void;
}

export class SimulatedWire {
  readonly clock: SimulatedClock;
  /** How long a word is under way. */
  delayMs = 0;
  /** How long each copy of a word is under way, asked for each listener: none where it is lost, more where it is doubled. */
  journey: () => readonly number[] = () => [this.delayMs];
  readonly ends: WireEnd[] = [];
  /** Whether words that are said at one end do not arrive at another, and nobody is told. Default: all arrive. */
  isCutBetween: (from: WireEnd, to: WireEnd) => boolean = () => false;

  constructor(clock: SimulatedClock) {
    this.clock = clock;
  }

  end(end = new WireEnd(this)): WireEnd {
    this.ends.push(end);
    return end;
  }

  /** Whoever held this end is gone without a word. Idempotent. */
  remove(end: WireEnd): void {
    const index = this.ends.indexOf(end);
    if (index !== -1) this.ends.splice(index, 1);
  }
}

export class WireEnd implements LiveWire {
  /** Every word that was said here, also into a cut wire. */
  readonly said: { readonly subject: string; readonly text: string }[] = [];
  /** Why whoever holds this end left its server, each time. */
  readonly left: string[] = [];
  readonly #wire: SimulatedWire;
  readonly #listeners = new Set<Listener>();
  readonly #watchers = new Set<(isConnected: boolean) => void>();
  #state: 'whole' | 'cut' | 'swallowing' | 'alone' = 'whole';
  /** Called when whoever holds this end leaves its server for another. */
  onLeave: () => void = () => undefined;

  constructor(wire: SimulatedWire) {
    this.#wire = wire;
  }

  get server(): string | null {
    return this.#state === 'cut' ? null : 'nats-1';
  }

  get listenersCount(): number {
    return this.#listeners.size + this.#watchers.size;
  }

  cut(): void {
    this.#become('cut');
  }

  swallow(): void {
    this.#become('swallowing');
  }

  /** Its server is cut off from the others: what is said here comes back here, and nobody else's words do. */
  isolate(): void {
    this.#become('alone');
  }

  mend(): void {
    this.#become('whole');
  }

  say(subject: string, text: string): void {
    this.#send(subject, text, () => undefined);
  }

  /** Says something and takes the answers. */
  ask(subject: string, text: string, onAnswer: (text: string) => void): void {
    this.#send(subject, text, (answer) => {
      if (this.#state === 'whole') onAnswer(answer);
    });
  }

  listen(subject: string, onMessage: (message: LiveMessage) => void): () => void {
    const pattern = new RegExp(`^${subject.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`);
    const listener = { pattern, onMessage };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  watch(onChange: (isConnected: boolean) => void): () => void {
    this.#watchers.add(onChange);
    onChange(this.#state !== 'cut');
    return () => this.#watchers.delete(onChange);
  }

  leave(reason: string): void {
    this.left.push(reason);
    this.onLeave();
  }

  /** `from`: the end at which it was said. */
  hear(message: LiveMessage, from: WireEnd): void {
    if (this.#state !== 'whole' && !(this.#state === 'alone' && from === this)) return;
    if (from !== this && this.#wire.isCutBetween(from, this)) return;
    for (const { pattern, onMessage } of this.#listeners) if (pattern.test(message.subject)) onMessage(message);
  }

  #send(subject: string, text: string, answer: (text: string) => void): void {
    this.said.push({ subject, text });
    if (this.#state !== 'whole' && this.#state !== 'alone') return;
    const { clock, ends, journey } = this.#wire;
    for (const end of this.#state === 'alone' ? [this] : ends) {
      for (const delayMs of journey()) clock.setTimeout(() => end.hear({ subject, text, answer }, this), delayMs);
    }
  }

  #become(state: 'whole' | 'cut' | 'swallowing' | 'alone'): void {
    const wasConnected = this.#state !== 'cut';
    this.#state = state;
    const isConnected = state !== 'cut';
    if (isConnected !== wasConnected) for (const onChange of this.#watchers) onChange(isConnected);
  }
}
