/**
 * An `http` listener's protocol: each request is answered by one backend of the pool that its host and path lead to.
 *
 *     arrival ──► ClientConnection (http1/) ──► Exchange (exchange/) ──► UpstreamConnection (http1/) ──► backend
 *
 * Here is the place to choose by what the client's handshake settled on (ALPN); today every connection speaks HTTP/1.1.
 */
import type { ListenerSpec } from '@muster/membership';
import type { Arrival } from '../listener/arrival.ts';
import type { Listener, OpenConnection, Protocol } from '../listener/listener.ts';
import { HttpService, type HttpEnvironment } from './exchange/http-service.ts';
import { ClientConnection } from './http1/client-connection.ts';
import { UpstreamConnections, type UpstreamEnvironment } from './http1/upstream-connection.ts';

export class HttpProtocol implements Protocol {
  readonly name = 'http';
  readonly #service: HttpService;

  constructor(spec: ListenerSpec, environment: HttpEnvironment & UpstreamEnvironment) {
    this.#service = new HttpService(spec, environment, new UpstreamConnections(environment));
  }

  update(spec: ListenerSpec): void {
    this.#service.update(spec);
  }

  open(arrival: Arrival, listener: Listener): OpenConnection {
    return new ClientConnection(this.#service, arrival, listener);
  }
}
