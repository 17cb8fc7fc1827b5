/** A journal for tests, around a real one in memory: whatever the world does to a journal can be done to it. */
import { createMemoryJournal, JournalError, type AppendOutcome, type Journal } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';

/** A journal that can be away, lose answers, refuse, forget, hand over what was not said, and become another one. */
export class SimulatedJournal implements Journal {
  inner: Journal;
  /** Appends that were asked for, in order. */
  readonly appends: { readonly id: string; readonly subject: string; readonly payload: string }[] = [];
  appendAnswer: 'true' | 'unavailable' | 'lost' | 'refused' | 'held' = 'true';
  /** Lets the answers go that are held: as if the events had been stored, long ago and far on. */
  readonly heldAnswers: (() => void)[] = [];
  /** Payloads that are handed over once in place of the true ones. */
  readonly alteredByRevision = new Map<number, string>();
  /** Whether followers say that it is away and resume, as over a network; else they break. */
  saysAway = false;
  /** False: it is read as ever, from a copy that is cut off, and nobody may say where its end is. */
  hasLeader = true;
  #isAway = false;
  #isSilent = false;
  #isRemoved = false;
  #firstRevision = 1;
  #renewalsCount = 0;
  #changed = Promise.withResolvers<void>();
  readonly #followers = new Set<AbortController>();

  constructor(inner: Journal) {
    this.inner = inner;
  }

  goAway(): void {
    this.#isAway = true;
    this.appendAnswer = 'unavailable';
    this.#cut();
  }

  /** It does not even say that it is away. */
  fallSilent(): void {
    this.#isSilent = true;
    this.goAway();
  }

  comeBack(): void {
    this.#isAway = false;
    this.#isSilent = false;
    this.appendAnswer = 'true';
    this.#cut();
  }

  /** What was stored is gone, and this takes its place. */
  replaceWith(journal: Journal): void {
    this.inner = journal;
    this.#firstRevision = 1;
    this.#cut();
  }

  /** It is gone, and stays away until it is renewed. */
  remove(): void {
    this.#isRemoved = true;
    this.goAway();
  }

  /** Events before this one are removed. */
  compactTo(firstRevision: number): void {
    this.#firstRevision = firstRevision;
  }

  async append(...[event, options]: Parameters<Journal['append']>): Promise<AppendOutcome> {
    this.appends.push(event);
    switch (this.appendAnswer) {
      case 'unavailable':
        return { outcome: 'unavailable', message: 'the journal is away' };
      case 'refused':
        return { outcome: 'refused', reason: 'not-permitted', message: 'not permitted' };
      case 'held':
        await new Promise<void>((resolve) => this.heldAnswers.push(resolve));
        return { outcome: 'appended', revision: 900, isDuplicate: false };
      case 'lost':
        await this.inner.append(event, options);
        return { outcome: 'unknown', message: 'the answer was lost' };
      case 'true':
        return this.inner.append(event, options);
    }
  }

  async *follow(options: Parameters<Journal['follow']>[0]): ReturnType<Journal['follow']> {
    const { signal } = options;
    const { epoch = (await this.inner.head()).epoch } = options;
    let { afterRevision } = options;
    while (!signal.aborted) {
      if (this.#isAway) {
        if (!this.saysAway) this.#throwIfAway();
        yield { kind: 'away', reason: 'the journal is away' };
        while (this.#isAway && !signal.aborted) await this.#changed.promise;
        continue;
      }
      if (afterRevision + 1 < this.#firstRevision)
        throw new JournalError('compacted', `revision ${afterRevision + 1} is gone`);
      const cut = new AbortController();
      this.#followers.add(cut);
      signal.addEventListener('abort', () => this.#cut());
      for await (const item of this.inner.follow({ afterRevision, epoch, signal: cut.signal })) {
        if (cut.signal.aborted) break;
        if (item.kind === 'events') afterRevision = item.events.at(-1)!.revision;
        yield item.kind === 'events' ? { ...item, events: item.events.map((event) => this.#altered(event)) } : item;
        if (item.kind === 'epoch-changed') return;
      }
    }
  }

  async head(): ReturnType<Journal['head']> {
    while (this.#isSilent) await this.#changed.promise;
    this.#throwIfAway();
    if (!this.hasLeader) throw new JournalError('failed', 'the journal has no leader just now');
    return { ...(await this.inner.head()), firstRevision: this.#firstRevision };
  }

  read(...options: Parameters<Journal['read']>): ReturnType<Journal['read']> {
    return this.inner.read(...options);
  }

  async saveSnapshot(...[snapshot]: Parameters<Journal['saveSnapshot']>): Promise<void> {
    this.#throwIfAway();
    await this.inner.saveSnapshot(snapshot);
  }

  async loadSnapshot(...[atOrBefore]: Parameters<Journal['loadSnapshot']>): ReturnType<Journal['loadSnapshot']> {
    this.#throwIfAway();
    return this.inner.loadSnapshot(atOrBefore);
  }

  async renew(): Promise<void> {
    if (this.#isRemoved) {
      this.#isRemoved = false;
      this.#renewalsCount += 1;
      this.replaceWith(createMemoryJournal({ epoch: `renewed-${this.#renewalsCount}` }));
      this.comeBack();
    }
    this.#throwIfAway();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #cut(): void {
    for (const follower of this.#followers) follower.abort();
    this.#followers.clear();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #altered(event: RecordedEvent): RecordedEvent {
    const payload = this.alteredByRevision.get(event.revision);
    if (payload === undefined) return event;
    this.alteredByRevision.delete(event.revision);
    return { ...event, payload };
  }

  #throwIfAway(): void {
    if (this.#isRemoved) throw new JournalError('gone', 'the journal is not there');
    if (this.#isAway) throw new JournalError('failed', 'the journal is away');
  }
}
