/**
 * The real data plane on a transport in memory, with one listener and one backend: bytes of a connection in, and out comes what
 * the backend was sent, what the client was told, and what was refused. All within one call.
 */
import { emptyRoster, fold, listenerSpecSchema, type MembershipEventInput, type Roster } from '@muster/membership';
import { DataPlane } from '@muster/proxy';
import { MemoryTransport, type MemoryLeg } from './memory-transport.ts';

export interface Refusal {
  readonly status: number;
  /** Why, in the words of the message layer, for example 'bare_line_feed'. */
  readonly reason: string;
}

/** What became of one client connection. */
export interface Passage {
  /** What was sent on each connection to the backend: one connection per request. One character per byte. */
  readonly forwarded: readonly string[];
  readonly answered: string;
  readonly refusal: Refusal | null;
  /** Whether nothing behind is read any more. */
  readonly isOver: boolean;
  /** Methods and targets as they were understood. */
  readonly understood: readonly { readonly method: string; readonly target: string }[];
}

export const BACKEND_TARGET = '198.51.100.1:80';
const REFUSALS = new Set<string>([
  'bad_request_body',
  'body_too_large',
  'trailers_too_large',
  'bad_answer',
  'answer_cut',
  'no_answer',
]);
const PLAIN_ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');

export class MemoryProxy implements AsyncDisposable {
  readonly #transport = new MemoryTransport();
  readonly #plane: DataPlane;
  #refusal: Refusal | null = null;
  #understood: { method: string; target: string }[] = [];

  private constructor() {
    this.#plane = new DataPlane({
      transport: this.#transport,
      onRefusedHead: ({ status, reason }) => (this.#refusal ??= { status, reason }),
      onExchange: ({ method, target, status, termination, detail }) => {
        this.#understood.push({ method, target });
        if (REFUSALS.has(termination)) this.#refusal ??= { status, reason: detail ?? termination };
      },
    });
    this.#plane.update({ roster: rosterOfOne(), node: 'n', pending: new Map() });
  }

  static async open(): Promise<MemoryProxy> {
    const proxy = new MemoryProxy();
    const spec = listenerSpecSchema.parse({ bind: '127.0.0.1:0', protocol: 'http', pool: 'p', accessLog: 'off' });
    const opened = await proxy.#plane.openListener('web', spec, {});
    if (!opened.ok) throw new Error(opened.reason);
    return proxy;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#plane[Symbol.asyncDispose]();
  }

  /**
   * One client that sends the pieces, each as one read, as soon as it is read again. The backend answers when it hears no more.
   */
  pass(pieces: readonly Uint8Array[]): Passage {
    this.#begin();
    const client = this.#transport.accept();
    let next = 0;
    let answeredCount = 0;
    for (;;) {
      this.#transport.settle();
      if (next < pieces.length && !client.isPaused && !client.isClosed) {
        client.deliver(pieces[next++]!);
      } else if (answeredCount < this.#transport.dialled.length) {
        this.#transport.dialled[answeredCount++]!.deliver(PLAIN_ANSWER);
      } else break;
    }
    return this.#passage(client);
  }

  /** One client that sends a whole request, and a backend that sends the pieces and then ends. */
  answer(request: string, pieces: readonly Uint8Array[]): Passage {
    this.#begin();
    const client = this.#transport.accept();
    client.deliver(Buffer.from(request, 'latin1'));
    this.#transport.settle();
    const backend = this.#transport.dialled[0]!;
    for (const piece of pieces) backend.deliver(piece);
    backend.deliverEnd();
    this.#transport.settle();
    return this.#passage(client);
  }

  #begin(): void {
    this.#refusal = null;
    this.#understood = [];
    this.#transport.dialled.length = 0;
  }

  #passage(client: MemoryLeg): Passage {
    const isOver = client.isClosed || client.hasEnded;
    client.deliverReset();
    return {
      forwarded: this.#transport.dialled.map(({ written }) => written),
      answered: client.written,
      refusal: this.#refusal,
      isOver,
      understood: this.#understood,
    };
  }
}

function rosterOfOne(): Roster {
  const events: [string, MembershipEventInput][] = [
    ['pool.p', { type: 'PoolDefined', ejection: false }],
    ['backend.p.one', { type: 'BackendRegistered', target: BACKEND_TARGET }],
  ];
  return events.reduce((roster, [subject, event]) => {
    const recorded = { revision: roster.revision + 1, timeMs: 0, id: '', origin: null };
    const folded = fold(roster, { ...recorded, subject: `muster.test.${subject}`, payload: JSON.stringify(event) });
    if (folded.rejection !== null) throw new Error(folded.rejection.message);
    return folded.roster;
  }, emptyRoster('test'));
}
