/**
 * A bounded load of requests on kept-alive connections. Every request that is not answered with 200 is kept with its times, so that
 * a test can say which ones it allows; none is ever sent again. A connection that ended between two requests is no failure: the
 * next request goes over a new one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KeptConnection, type Address, type ShortAnswer } from './http-client.ts';

export interface HttpLoadOptions {
  readonly clients: number;
  /** Between two requests of a client. Default 5. */
  readonly thinkMs?: number;
  /** The whole request; `serial` is another one each time. Default: GET /. */
  readonly requestText?: (serial: number) => string;
}

export interface HttpFailure {
  readonly serial: number;
  /** performance.now() when the request was begun, or its connection was. */
  readonly begunMs: number;
  readonly failedMs: number;
  /** Whether it was the first request on its connection. */
  readonly isFirst: boolean;
  /** Of the answer; null where there was none. */
  readonly status: number | null;
  readonly message: string;
}

export interface HttpLoad {
  readonly failures: readonly HttpFailure[];
  /** How many requests each backend has answered, by `X-Backend`. */
  readonly answersByBackend: ReadonlyMap<string, number>;
  /** Connections that were not accepted. Whose connection is refused sends nothing more. */
  refusedCount(): number;
  succeededCount(): number;
  /** Resolves when every client has stopped: because of `stop`, or because it was refused. */
  readonly over: Promise<void>;
  /** Lets the requests under way end and stops. */
  stop(): Promise<void>;
}

const GET = 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n';

export function startHttpLoad(address: Address, options: HttpLoadOptions): HttpLoad {
  const running = new RunningLoad(address, options);
  return {
    failures: running.failures,
    answersByBackend: running.answersByBackend,
    refusedCount: () => running.refusedCount,
    succeededCount: () => running.succeededCount,
    over: running.over,
    stop: async () => {
      running.isStopping = true;
      await running.over;
    },
  };
}

class RunningLoad {
  readonly failures: HttpFailure[] = [];
  readonly answersByBackend = new Map<string, number>();
  readonly over: Promise<void>;
  readonly #address: Address;
  readonly #thinkMs: number;
  readonly #requestText: (serial: number) => string;
  isStopping = false;
  refusedCount = 0;
  succeededCount = 0;
  #serial = 0;

  constructor(address: Address, { clients, thinkMs = 5, requestText = () => GET }: HttpLoadOptions) {
    this.#address = address;
    this.#thinkMs = thinkMs;
    this.#requestText = requestText;
    this.over = Promise.all(Array.from({ length: clients }, () => this.#client())).then(() => undefined);
  }

  async #client(): Promise<void> {
    let connection: KeptConnection | null = null;
    while (!this.isStopping) {
      const begunMs = performance.now();
      try {
        if (connection === null || connection.isOver) connection = await KeptConnection.open(this.#address);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') {
          this.refusedCount++;
          return;
        }
        this.#failed({ serial: -1, isFirst: true, begunMs, status: null, message: String(error) });
        continue;
      }
      await this.#ask(connection);
      await sleep(this.#thinkMs);
    }
    connection?.close();
  }

  async #ask(connection: KeptConnection): Promise<void> {
    const serial = this.#serial++;
    const begunMs = performance.now();
    const { isFirst } = connection;
    try {
      const answer = await connection.ask(this.#requestText(serial));
      if (answer.status === 200) this.#succeeded(answer);
      else
        this.#failed({ serial, isFirst, begunMs, status: answer.status, message: answer.reason ?? 'from the backend' });
    } catch (error) {
      this.#failed({ serial, isFirst, begunMs, status: null, message: String(error) });
    }
  }

  #succeeded({ backend }: ShortAnswer): void {
    this.succeededCount++;
    if (backend !== null) this.answersByBackend.set(backend, (this.answersByBackend.get(backend) ?? 0) + 1);
  }

  #failed(failure: Omit<HttpFailure, 'failedMs'>): void {
    this.failures.push({ ...failure, failedMs: performance.now() });
  }
}
