/**
 * The journal's thread: it owns the SQLite file, because SQLite's calls block, and the node's event loop must not.
 *
 * Appends are not stored as they come in. They are collected while messages are waiting, and stored as one group when
 * the event loop has read them all; what comes in during the fsync is the next group. So one append alone waits for one
 * fsync, and a thousand at once wait for one as well.
 *
 * A failure that is not the store's is a defect: it ends the thread, and the journal tells everyone who waits.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { JournalError } from '@muster/journal';
import { EventStore } from './event-store.ts';
import { openJournalFile, type JournalFile } from './journal-file.ts';
import { RowCheck } from './row-check.ts';
import type { Answer, FromThread, Request, SubmittedAppend, ThreadData, ToThread } from './messages.ts';

/** Appends in one transaction, at most; the others wait for the next, so that nobody waits for a huge one. */
const GROUP_APPENDS_MAX = 4_096;

const port = parentPort!;
const post = (message: FromThread): void => port.postMessage(message);

function start(): void {
  let file: JournalFile | null = null;
  let store: EventStore;
  try {
    file = openJournalFile(workerData as ThreadData);
    store = new EventStore(file, { known: (workerData as ThreadData).known, onNote: note });
  } catch (error) {
    // Whoever is refused may look at the file next, and its lock is to be free by then.
    file?.[Symbol.dispose]();
    if (!(error instanceof JournalError)) throw error;
    post({ kind: 'refused', code: error.code, message: error.message });
    return;
  }
  port.on('message', (message: ToThread) => serve(message, file, store));
  post({ kind: 'opened', head: store.head() });
  checking = setTimeout(checkRows, CHECK_PAUSE_MS, new RowCheck(file));
}

/** Between two steps of the check of all rows, so that it takes about a fifth of a core and delays an append by 2 ms at most. */
const CHECK_PAUSE_MS = 10;

function checkRows(check: RowCheck): void {
  if (!check.step(note)) {
    checking = setTimeout(checkRows, CHECK_PAUSE_MS, check);
    return;
  }
  post({ kind: 'checked', damage: check.damage });
}

const noted = new Set<string>();

/** Each once: whatever is asked again finds the same again. */
function note(text: string): void {
  if (noted.has(text)) return;
  noted.add(text);
  post({ kind: 'noted', text });
}

let waiting: SubmittedAppend[] = [];
let checking: NodeJS.Timeout | undefined;

function serve(message: ToThread, file: JournalFile, store: EventStore): void {
  switch (message.kind) {
    case 'append':
      if (waiting.length === 0) setImmediate(commitGroup, store);
      for (const append of message.appends) waiting.push(append);
      return;
    case 'close':
      clearTimeout(checking);
      while (waiting.length > 0) commitGroup(store);
      file[Symbol.dispose]();
      post({ kind: 'closed' });
      port.close();
      return;
    default:
      answerRequest(message, store);
  }
}

function commitGroup(store: EventStore): void {
  if (waiting.length === 0) return;
  const group = waiting.slice(0, GROUP_APPENDS_MAX);
  waiting = waiting.slice(GROUP_APPENDS_MAX);
  const outcomes = store.appendGroup(group);
  post({ kind: 'committed', answers: group.map(({ append }, index) => ({ append, outcome: outcomes[index]! })) });
  if (waiting.length > 0) setImmediate(commitGroup, store);
}

function answerRequest(request: Request, store: EventStore): void {
  const { request: number } = request;
  try {
    post({ kind: 'answer', request: number, answer: answerOf(request, store) });
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    post({ kind: 'request-failed', request: number, code: error.code, message: error.message });
  }
}

function answerOf(request: Request, store: EventStore): Answer {
  switch (request.kind) {
    case 'page':
      return store.page(request.fromRevision, request.toRevision);
    case 'revision-since':
      return store.revisionSince(request.timeMs);
    case 'load-snapshot':
      return store.loadSnapshot(request.atOrBefore);
    case 'save-snapshot':
      store.saveSnapshot(request.snapshot);
      return null;
  }
}

start();
