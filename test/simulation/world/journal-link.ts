/**
 * One process's connection to the simulated journal, over a path that the schedule spoils: cut with or without a word, slow,
 * or losing answers. It behaves as a journal on a network does: it says that it is away, and goes on where it was.
 *
 * A process that was killed has a link that never answers again: whatever it still waits for, it waits for ever.
 */
import {
  JournalError,
  type AppendOptions,
  type AppendOutcome,
  type NewEvent,
  type FollowItem,
  type Head,
  type Journal,
} from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type { History, JournalStore } from './history.ts';
import type { ProcessClock } from './process-clock.ts';

/** After so long without an answer an append is given up, and a follower says that the journal is away. */
const SILENCE_MS = 5_000;

/** A copy of a history on a server that is cut off from the others: what it held at that moment. */
export interface LoneCopy {
  readonly history: History;
  readonly revision: number;
}

/** Between one machine and the journal. Outlives the machine's processes. */
export class JournalPath {
  /** `cut` is noticed at once; in a `silent` one everything vanishes, both ways. */
  state: 'whole' | 'cut' | 'silent' = 'whole';
  /** `lost`: what is sent arrives, the answer does not. `unsent`: nor does what is sent. */
  answers: 'given' | 'lost' | 'unsent' = 'given';
  /** How long an append and its answer are under way together, and a batch of events. */
  appendMs = 0;
  followMs = 0;
  /** What its server has, where that is alone: it answers readers from its copy, and has no leader to ask. Null: it is with the others. */
  alone: LoneCopy | null = null;
  readonly #watchers = new Set<() => void>();

  get isWhole(): boolean {
    return this.state === 'whole' && this.alone === null;
  }

  set(change: Partial<Pick<JournalPath, 'state' | 'answers' | 'appendMs' | 'followMs' | 'alone'>>): void {
    Object.assign(this, change);
    this.wake();
  }

  /** Told of every change. Returns what ends it. */
  watch(onChanged: () => void): () => void {
    this.#watchers.add(onChanged);
    return () => void this.#watchers.delete(onChanged);
  }

  wake(): void {
    for (const onChanged of this.#watchers) onChanged();
  }
}

/** An event that was stored over a link just now. */
export interface Appended {
  readonly history: History;
  readonly event: NewEvent;
  /** When it was asked for, by the simulation's clock. */
  readonly askedMs: number;
  /** When the leader's newest answer over this link came; -Infinity before the first. */
  readonly headAnsweredMs: number;
}

export interface JournalLinkOptions {
  readonly store: JournalStore;
  readonly path: JournalPath;
  /** Its own: what the network does is none of the node's timers. */
  readonly clock: ProcessClock;
  /** Told of each event that is stored, and not of one that was there already. */
  readonly onAppended: (appended: Appended) => void;
}

export class JournalLink implements Journal {
  readonly #store: JournalStore;
  readonly #path: JournalPath;
  readonly #clock: ProcessClock;
  readonly #unwatch: () => void;
  readonly #onAppended: JournalLinkOptions['onAppended'];
  #headAnsweredMs = -Infinity;
  /** The history that the leader said is not fit to be appended to. */
  #unfitHistory: History | null = null;
  #changed = Promise.withResolvers<void>();
  #isDead = false;
  #isClosed = false;
  /** What ends the followers of a history. */
  readonly #endings = new Set<() => void>();
  readonly #appends = new Set<Promise<AppendOutcome>>();

  constructor({ store, path, clock, onAppended }: JournalLinkOptions) {
    this.#onAppended = onAppended;
    this.#store = store;
    this.#path = path;
    this.#clock = clock;
    this.#unwatch = path.watch(() => this.#wake());
  }

  /** With the process that held it. */
  kill(): void {
    this.#isDead = true;
    this.#unwatch();
    this.#clock.kill();
    this.#wake();
  }

  async append(...[event, options]: Parameters<Journal['append']>): Promise<AppendOutcome> {
    if (this.#isClosed) return { outcome: 'unavailable', message: 'the journal is closed' };
    const append = this.#append(event, options);
    this.#appends.add(append);
    const outcome = await append;
    this.#appends.delete(append);
    return outcome;
  }

  async #append(...[event, options]: Parameters<Journal['append']>): Promise<AppendOutcome> {
    const { answers, appendMs, state, alone } = this.#path;
    const askedMs = this.#clock.elapsedMs();
    if (state === 'cut' || this.#store.isGone || this.#unfitHistory === this.#store.present)
      return { outcome: 'unavailable', message: 'the journal is away' };
    if (state === 'silent' || alone !== null) {
      await this.pause(SILENCE_MS);
      return { outcome: 'unknown', message: 'no answer' };
    }
    const history = this.#store.present;
    if (appendMs > 0) await this.pause(appendMs / 2);
    const isThere = this.#store.present === history && this.#path.isWhole;
    const outcome = answers === 'unsent' || !isThere ? null : await this.store(history, event, options);
    if (outcome?.outcome === 'appended' && !outcome.isDuplicate) {
      this.#onAppended({ history, event, askedMs, headAnsweredMs: this.#headAnsweredMs });
    }
    if (appendMs > 0) await this.pause(appendMs / 2);
    const isLost = outcome === null || answers === 'lost' || !this.#path.isWhole;
    if (isLost) return this.#answer({ outcome: 'unknown', message: 'the answer was lost' });
    if (outcome.outcome === 'appended' && !this.#isDead) history.acknowledgedById.set(event.id, outcome.revision);
    return this.#answer(outcome);
  }

  async *follow(options: Parameters<Journal['follow']>[0]): AsyncGenerator<FollowItem, void> {
    const { signal } = options;
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      const epoch = options.epoch ?? (await this.head()).epoch;
      let cursor = options.afterRevision;
      while (!signal.aborted && !this.#isClosed) {
        if (await this.#isAway()) {
          yield await this.#answer({ kind: 'away', reason: 'the journal is away' });
          while (this.#isOutOfReach() && !signal.aborted && !this.#isClosed) await this.#changed.promise;
          continue;
        }
        if (this.#path.alone !== null) {
          for await (const item of this.#readLoneCopy(this.#path.alone, { afterRevision: cursor, epoch })) {
            if (item.kind === 'events') cursor = item.events.at(-1)!.revision;
            yield await this.#answer(item);
            if (item.kind === 'epoch-changed') return;
          }
          if (this.#path.alone !== null && !signal.aborted && !this.#isClosed) await this.#changed.promise;
          continue;
        }
        const history = this.#store.present;
        if (history.epoch !== epoch || cursor > history.revision)
          return yield await this.#answer({ kind: 'epoch-changed', epoch: history.epoch });
        if (cursor + 1 < history.firstRevision) throw new JournalError('compacted', `revision ${cursor + 1} is gone`);
        for await (const item of this.#followWhile(history, { afterRevision: cursor, epoch, signal })) {
          if (item.kind === 'events') cursor = item.events.at(-1)!.revision;
          yield await this.#answer(item);
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  async head(): Promise<Head> {
    await this.#reach();
    const { present } = this.#store;
    const { epoch, revision, firstRevision, unfit } = present;
    this.#headAnsweredMs = this.#clock.elapsedMs();
    if (unfit !== null) this.noteUnfit(present);
    else if (this.#unfitHistory === present) this.#unfitHistory = null;
    return this.#answer({ epoch, revision, firstRevision, ...(unfit !== null && { unfit }) });
  }

  /** As the journal on NATS does: nothing is appended to a stream that may lose it. */
  protected noteUnfit(history: History): void {
    this.#unfitHistory = history;
  }

  async *read(options: Parameters<Journal['read']>[0] = {}): AsyncGenerator<RecordedEvent, void> {
    await this.#reach();
    const { journal, firstRevision } = this.#store.present;
    const { fromRevision = firstRevision } = options;
    // Revision 0 is before the first event, and no event that was removed.
    if (Math.max(1, fromRevision) < firstRevision)
      throw new JournalError('compacted', `revision ${fromRevision} is gone`);
    for await (const event of journal.read({ ...options, fromRevision })) yield await this.#answer(event);
  }

  async saveSnapshot(...[snapshot]: Parameters<Journal['saveSnapshot']>): Promise<void> {
    await this.#reach();
    await this.#store.present.journal.saveSnapshot(snapshot);
    await this.#answer(null);
  }

  async loadSnapshot(...[atOrBefore]: Parameters<Journal['loadSnapshot']>): ReturnType<Journal['loadSnapshot']> {
    await this.#reach();
    return this.#answer(await this.#store.present.journal.loadSnapshot(atOrBefore));
  }

  async renew(): Promise<void> {
    if (this.#store.isGone && this.#path.isWhole) this.#store.makeAgain();
    await this.#reach();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unwatch();
    for (const end of this.#endings) end();
    this.#wake();
    await Promise.all(this.#appends);
  }

  protected store(history: History, event: NewEvent, options?: AppendOptions): Promise<AppendOutcome> {
    return history.store(event, options);
  }

  /** What a copy has beyond a revision, which it takes for everything that there is. */
  async *#readLoneCopy(
    { history, revision }: LoneCopy,
    { afterRevision, epoch }: { readonly afterRevision: number; readonly epoch: string },
  ): AsyncGenerator<FollowItem, void> {
    if (history.epoch !== epoch || afterRevision > revision)
      return yield { kind: 'epoch-changed', epoch: history.epoch };
    const events: RecordedEvent[] = [];
    if (afterRevision < revision) {
      const range = { fromRevision: afterRevision + 1, toRevision: revision };
      for await (const event of history.journal.read(range)) events.push(event);
    }
    if (events.length > 0) yield { kind: 'events', events };
    yield { kind: 'caught-up', revision };
  }

  /** Hands on what one history gives, until the path or the history is another. */
  async *#followWhile(history: History, options: Parameters<Journal['follow']>[0]): AsyncGenerator<FollowItem, void> {
    const cut = new AbortController();
    const stop = this.#path.watch(() => {
      if (!this.#path.isWhole || this.#store.isGone || this.#store.present !== history) cut.abort();
    });
    const abort = (): void => cut.abort();
    this.#endings.add(abort);
    options.signal.addEventListener('abort', abort);
    try {
      for await (const item of history.journal.follow({ ...options, signal: cut.signal })) {
        if (this.#path.followMs > 0) await this.pause(this.#path.followMs);
        if (cut.signal.aborted) return;
        yield item;
      }
    } finally {
      stop();
      this.#endings.delete(abort);
      options.signal.removeEventListener('abort', abort);
    }
  }

  /** A silent path is noticed late. */
  async #isAway(): Promise<boolean> {
    const path = this.#path;
    if (path.state === 'silent') await Promise.race([this.pause(SILENCE_MS), this.#changed.promise]);
    return this.#isOutOfReach();
  }

  /** A server that is alone answers readers. */
  #isOutOfReach(): boolean {
    return this.#path.state !== 'whole' || (this.#store.isGone && this.#path.alone === null);
  }

  async #reach(): Promise<void> {
    if (this.#isClosed) throw new JournalError('closed', 'the journal is closed');
    if (this.#path.state === 'silent') await this.pause(SILENCE_MS);
    if (!this.#path.isWhole) throw new JournalError('failed', 'the journal is away');
    if (this.#store.isGone) throw new JournalError('gone', 'the stream is not there');
    await this.#answer(null);
  }

  protected get path(): JournalPath {
    return this.#path;
  }

  protected pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimeout(resolve, durationMs));
  }

  /** Nobody answers the dead. */
  #answer<Answer>(answer: Answer): Promise<Answer> {
    return this.#isDead ? new Promise(() => undefined) : Promise.resolve(answer);
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
