/**
 * What the exchanges of one `http` listener share: its settings and filters, the pools, and who is told when they are over.
 */
import { randomBytes } from 'node:crypto';
import type { RequestHead } from '@muster/http1';
import type { ListenerSpec } from '@muster/membership';
import type { ProxiedPool } from '../../pool/proxied-pool.ts';
import type { TimerWheel } from '../../timers/timer-wheel.ts';
import type { FilterChain } from '../filters/filter-chain.ts';
import type { ExchangeRecord } from '../record/exchange-record.ts';
import { httpSettings, pseudonymOf, type HttpSettings } from '../routes/http-settings.ts';
import type { UpstreamOpener } from './streams.ts';

/** A request that was none: nobody but the listener and the peer is known of it. */
export interface RefusedHead {
  /** What `X-Request-Id` says to the client; made here, since nothing of the head is believed. */
  readonly requestId: string;
  readonly listener: string;
  /** '' for a Unix socket. */
  readonly peerAddress: string;
  readonly status: number;
  /** A `HeadProblem`'s, or `request_timeout` where the head did not come to its end in time. */
  readonly reason: string;
}

export interface HttpEnvironment {
  readonly wheel: TimerWheel;
  /** Null where the roster has no such pool. */
  readonly poolNamed: (id: string) => ProxiedPool | null;
  /** Unique over all workers of all nodes, as far as chance allows. */
  readonly nextRequestId: () => string;
  /** Chance that all workers of a node share, and no others; null: requests that come back are not noticed. */
  readonly loopMark: string | null;
  /** The filters of a spec, loaded before; null where that has not been done. */
  readonly filtersOf: (spec: ListenerSpec) => FilterChain | null;
  /** Told of each request when it is over. */
  readonly onExchange: (exchange: ExchangeRecord, settings: HttpSettings) => void;
  /** Told of each request that was refused before it was one. */
  readonly onRefusedHead: (refused: RefusedHead, settings: HttpSettings) => void;
}

export class HttpService {
  readonly upstreams: UpstreamOpener;
  readonly wheel: TimerWheel;
  readonly poolNamed: HttpEnvironment['poolNamed'];
  settings: HttpSettings;
  /** Null: none are named. */
  filters: FilterChain | null;
  readonly #environment: HttpEnvironment;

  constructor(spec: ListenerSpec, environment: HttpEnvironment, upstreams: UpstreamOpener) {
    this.#environment = environment;
    this.upstreams = upstreams;
    this.wheel = environment.wheel;
    this.poolNamed = environment.poolNamed;
    this.settings = this.#settingsOf(spec);
    this.filters = this.#filtersOf(spec);
  }

  update(spec: ListenerSpec): void {
    this.filters = this.#filtersOf(spec);
    this.settings = this.#settingsOf(spec);
  }

  /** The client's, where it can be passed on, else a new one. Null: a head that could not be read. */
  requestIdOf(head: RequestHead | null): string {
    const id = head?.requestId ?? null;
    return isUsableRequestId(id) ? id : this.#environment.nextRequestId();
  }

  /** Whether a request went through this listener before: its own name is in Via. */
  hasForwarded({ fields }: RequestHead): boolean {
    const { pseudonym } = this.settings;
    return pseudonym !== null && fields.includes(pseudonym);
  }

  exchangeOver(exchange: ExchangeRecord): void {
    this.#environment.onExchange(exchange, this.settings);
  }

  refused(refused: RefusedHead): void {
    this.#environment.onRefusedHead(refused, this.settings);
  }

  #settingsOf(spec: ListenerSpec): HttpSettings {
    return httpSettings(spec, pseudonymOf(spec, this.#environment.loopMark));
  }

  /** A filter may be what keeps strangers out: a listener never serves without one that it names. */
  #filtersOf(spec: ListenerSpec): FilterChain | null {
    if (spec.filters === undefined) return null;
    const filters = this.#environment.filtersOf(spec);
    if (filters === null) throw new Error(`the filters ${spec.filters.join(', ')} have not been loaded`);
    return filters;
  }
}

const USABLE_ID_PATTERN = /^[\x21-\x7e]{1,128}$/;

/** Whether an id that came from outside is passed on: up to 128 visible characters. */
function isUsableRequestId(id: string | null): id is string {
  return id !== null && USABLE_ID_PATTERN.test(id);
}

/**
 * Ids for requests that come without one: a random part that is the process's, and a count. Unique over all workers of all
 * nodes but for a chance of 2^-48 per pair of processes, at the cost of one addition and a short text.
 */
export function requestIds(): () => string {
  const prefix = randomBytes(6).toString('hex');
  let count = 0;
  return () => `${prefix}-${(++count).toString(36)}`;
}
