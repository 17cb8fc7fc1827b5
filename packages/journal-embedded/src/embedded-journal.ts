/**
 * A durable journal in one SQLite file, held by one process: what a node uses when it is on its own.
 *
 * The file belongs to a thread (`journal-thread.ts`); here are the clock, the newest events, and the followers.
 *
 *     append ──► thread: group, one fsync ──► recent events ──► followers that keep up
 *                                         └──► answer          followers that lag ◄── pages from the file
 *
 * Only this process writes the file, so what the thread acknowledges is all there is to know about the head: no polling.
 * A follower that keeps up is handed an event in the same turn of the event loop in which its append is answered.
 *
 * It does not replicate, remove old events, or share the file. A node that needs another's events uses JetStream.
 */
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  JournalError,
  pullFollower,
  refuseAppend,
  WakeUp,
  type AppendOptions,
  type AppendOutcome,
  type FollowItem,
  type FollowOptions,
  type Head,
  type Journal,
  type NewEvent,
  type PullSource,
  type ReadOptions,
  type StoredSnapshot,
} from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type { ThreadData } from './messages.ts';
import { RecentEvents } from './recent-events.ts';
import type { KnownHead } from './head-file.ts';
import { ThreadClient, type ThreadListener } from './thread-client.ts';

export interface EmbeddedJournalOptions {
  /** The file, for example `data/lb-1.journal`. It and its directory are made when missing. */
  readonly path: string;
  /** Milliseconds since 1970. Default: `Date.now`. An event is never earlier than its predecessor, whatever this says. */
  readonly now?: () => number;
  /** Bytes that the file may grow to; at that size appends are `unavailable`. Default: no limit but the disk. */
  readonly fileBytesMax?: number;
  /** The history and the newest revision that other records of this machine know of. Default: there are none. */
  readonly known?: KnownHead | null;
  /** Told of what a person should know and what keeps nobody from using the journal, in a sentence. Default: nobody is. */
  readonly onNote?: (text: string) => void;
}

/**
 * Beside the file itself there are `PATH-wal` (a part of the journal), `PATH.owner` (the holder's process id) and `PATH.head` (how far
 * it has come).
 */
export interface EmbeddedJournal extends Journal, AsyncDisposable {
  /** What is wrong with rows that no present state rests on, in a sentence; null while nothing was found. Reading those is refused. */
  readonly damage: string | null;
  /** Resolves when all rows have been looked at once, or the journal is closed. */
  checked(): Promise<void>;
}

/**
 * Opens the file and holds it until `close`. Throws `JournalError`: `locked` while another process holds it, `unreadable`
 * when it is not a journal, damaged or of a newer format, `failed` when it cannot be opened or made.
 */
export function openEmbeddedJournal(options: EmbeddedJournalOptions): Promise<EmbeddedJournal> {
  const path = resolve(options.path);
  const data: ThreadData = { path, fileBytesMax: options.fileBytesMax ?? null, known: options.known ?? null };
  const thread = new URL('./journal-thread.ts', import.meta.url);
  const worker = new Worker(thread, { name: 'journal', workerData: data, execArgv: [] });
  return openOnThread(worker, { ...options, path });
}

/** As `openEmbeddedJournal`, on a thread that was started already. */
export async function openOnThread(worker: Worker, options: EmbeddedJournalOptions): Promise<EmbeddedJournal> {
  const journal = new ThreadedJournal(new ThreadClient(worker, options.path), options);
  await journal.opened();
  return journal;
}

class ThreadedJournal implements EmbeddedJournal, PullSource, ThreadListener {
  readonly changed = new WakeUp();
  readonly #thread: ThreadClient;
  readonly #path: string;
  readonly #now: () => number;
  readonly #onNote: (text: string) => void;
  readonly #checked = Promise.withResolvers<void>();
  damage: string | null = null;
  readonly #recent = new RecentEvents();
  #head: Head = { epoch: '', revision: 0, firstRevision: 1 };

  constructor(thread: ThreadClient, { path, now = Date.now, onNote = () => undefined }: EmbeddedJournalOptions) {
    this.#thread = thread;
    this.#onNote = onNote;
    this.#path = path;
    this.#now = now;
  }

  async opened(): Promise<void> {
    this.#head = await this.#thread.opened(this);
  }

  committed(events: readonly RecordedEvent[]): void {
    this.#recent.push(events);
    this.#head = { ...this.#head, revision: events.at(-1)!.revision };
    this.changed.wake();
  }

  ended(): void {
    this.#checked.resolve();
    this.changed.wake();
  }

  noted(text: string): void {
    this.#onNote(text);
  }

  rowsChecked(damage: string | null): void {
    this.damage = damage;
    this.#checked.resolve();
  }

  checked(): Promise<void> {
    return this.#checked.promise;
  }

  async append(event: NewEvent, options: AppendOptions = {}): Promise<AppendOutcome> {
    const refusal = refuseAppend(event, options);
    if (refusal !== null) return refusal;
    return this.#thread.append({ event, expectedRevision: options.expectedRevision ?? null, nowMs: this.#now() });
  }

  async *read({
    fromRevision = 1,
    fromTimeMs,
    toRevision = Infinity,
  }: ReadOptions = {}): AsyncGenerator<RecordedEvent> {
    const newest = this.newestRevision();
    const since = fromTimeMs === undefined ? 1 : await this.#thread.request('revision-since', { timeMs: fromTimeMs });
    const after = Math.max(fromRevision, since) - 1;
    for await (const events of this.#pages(after, Math.min(toRevision, newest))) yield* events;
  }

  follow(options: FollowOptions): AsyncIterable<FollowItem> {
    return pullFollower(this, options);
  }

  get epoch(): string {
    return this.#head.epoch;
  }

  newestRevision(): number {
    if (this.#thread.failure !== null) throw this.#thread.failure;
    return this.#head.revision;
  }

  async *batches(after: number, upTo: number): AsyncGenerator<readonly RecordedEvent[]> {
    let cursor = after;
    for (;;) {
      const recent = this.#recent.after(cursor, upTo);
      if (recent === null) return yield* this.#pages(cursor, upTo);
      if (recent.length === 0) return;
      yield recent;
      cursor = recent.at(-1)!.revision;
    }
  }

  /** Pages from the file. While a reader works on one, the next is under way: one page ahead, never more. */
  async *#pages(after: number, upTo: number): AsyncGenerator<readonly RecordedEvent[]> {
    let cursor = after;
    let page = this.#page(cursor, upTo);
    while (cursor < upTo) {
      const events = await page;
      if (events.length === 0) return;
      cursor = events.at(-1)!.revision;
      page = this.#page(cursor, upTo);
      yield events;
    }
  }

  #page(after: number, upTo: number): Promise<readonly RecordedEvent[]> {
    if (after >= upTo) return Promise.resolve([]);
    const page = this.#thread.request('page', { fromRevision: after + 1, toRevision: upTo });
    // A reader that leaves early never looks at the page ahead. Whoever does look still gets the rejection.
    page.catch(() => undefined);
    return page;
  }

  async head(): Promise<Head> {
    return { ...this.#head, revision: this.newestRevision() };
  }

  async saveSnapshot(snapshot: StoredSnapshot): Promise<void> {
    await this.#thread.request('save-snapshot', { snapshot });
  }

  loadSnapshot(atOrBefore: number = Number.MAX_SAFE_INTEGER): Promise<StoredSnapshot | null> {
    return this.#thread.request('load-snapshot', { atOrBefore });
  }

  /** Its file is there for as long as it is open. */
  async renew(): Promise<void> {
    this.newestRevision();
  }

  async close(): Promise<void> {
    const message = `the journal ${this.#path} is closed; open it again`;
    await this.#thread.close(new JournalError('closed', message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * A journal that was refused because it is damaged, for a node that goes on with the last state that it kept elsewhere: nothing can be
 * read from it and nothing is appended to it, and everybody who tries is told why.
 */
export function refusedJournal(refusal: JournalError): Journal {
  const refuse = (): never => {
    throw refusal;
  };
  const refusing: AsyncIterable<never> = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(refusal) }),
  };
  return {
    append: async () => ({ outcome: 'unavailable', message: refusal.message }),
    read: () => refusing,
    follow: () => refusing,
    head: async () => refuse(),
    saveSnapshot: async () => refuse(),
    loadSnapshot: async () => refuse(),
    renew: async () => refuse(),
    close: async () => undefined,
  };
}
