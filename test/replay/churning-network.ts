/** The network of a scene: clients that ask, and backends that answer, refuse, fail and break off, all by chance and in memory. */
import type { Transport } from '@muster/transport';
import { MemoryTransport, type MemoryLeg } from '../conformance/memory-transport.ts';
import type { Chance } from './chance.ts';

const REFUSED_RATIO = 0.08;
const CLIENTS_MAX = 48;

const OK = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
const FAILED = Buffer.from('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n');

interface BackendLeg {
  readonly leg: MemoryLeg;
  /** Of what was written to it, so much has been answered. */
  answeredLength: number;
}

export class ChurningNetwork extends MemoryTransport {
  readonly #chance: Chance;
  #clients: MemoryLeg[] = [];
  #backends: BackendLeg[] = [];
  #seenDials = 0;

  constructor(chance: Chance) {
    super();
    this.#chance = chance;
  }

  override dial(...[address, owner]: Parameters<Transport['dial']>): ReturnType<Transport['dial']> {
    if (!this.#chance.isWithin(REFUSED_RATIO)) return super.dial(address, owner);
    return this.later(() => owner.onConnectFailed('ECONNREFUSED'));
  }

  /** One more client, unless many wait already. */
  ask(request: string): void {
    this.#clients = this.#clients.filter(({ isClosed, hasEnded }) => !isClosed && !hasEnded);
    if (this.#clients.length >= CLIENTS_MAX) return this.serve(CLIENTS_MAX);
    const client = this.accept();
    this.#clients.push(client);
    client.deliver(Buffer.from(request));
    this.#connect();
  }

  /** Up to so many of the backends that were asked something do something about it. */
  serve(count: number): void {
    this.#connect();
    const asked = this.#backends.filter(({ leg, answeredLength }) => leg.written.length > answeredLength);
    for (const backend of asked.slice(0, count)) this.#serveOne(backend);
    this.#connect();
  }

  /** A client goes away, or a kept-alive connection ends while nobody asks. */
  breakOff(): void {
    const idle = this.#backends.filter(({ leg, answeredLength }) => leg.written.length === answeredLength);
    if (this.#chance.isWithin(0.5)) this.#chance.one(this.#clients)?.deliverReset();
    else this.#chance.one(idle)?.leg.deliverEnd();
    this.#connect();
  }

  /** Nobody waits any more. */
  finish(): void {
    for (const client of this.#clients) client.deliverReset();
    this.#connect();
  }

  #serveOne(backend: BackendLeg): void {
    const { leg } = backend;
    const drawn = this.#chance.next();
    backend.answeredLength = leg.written.length;
    if (drawn < 0.88) leg.deliver(OK);
    else if (drawn < 0.92) leg.deliver(FAILED);
    else leg.deliverEnd();
  }

  #connect(): void {
    this.settle();
    while (this.#seenDials < this.dialled.length) {
      this.#backends.push({ leg: this.dialled[this.#seenDials++]!, answeredLength: 0 });
    }
    this.#backends = this.#backends.filter(({ leg }) => !leg.isClosed);
  }
}
