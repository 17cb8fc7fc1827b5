/**
 * A connection between its accept and its protocol, and what is known of it by then.
 *
 *     accept ──► arrival: what must happen first ──► protocol.open(arrival, listener)
 *                today nothing
 *
 * Here is the place for a PROXY header, which says who the peer speaks for, and for a TLS handshake, which replaces the leg by one that
 * is read in the clear and learns a name (SNI) and a protocol (ALPN). Protocols ask the arrival and not the leg, so that they need not
 * know which of these there was.
 */
import type { Leg } from '@muster/transport';

export class Arrival {
  /** What the protocol reads and writes. It belongs to the protocol from `open` on, and is nobody else's to close. */
  readonly leg: Leg;
  /** What `X-Forwarded-Proto` says of the connection. */
  readonly scheme = 'http';
  #peerAddress: string | null = null;

  constructor(leg: Leg) {
    this.leg = leg;
  }

  /**
   * The peer's literal IP address; '' for a Unix socket, and for a peer that was gone before anybody asked. The kernel is asked once.
   */
  get peerAddress(): string {
    this.#peerAddress ??= this.leg.peerAddress();
    return this.#peerAddress ?? '';
  }
}
