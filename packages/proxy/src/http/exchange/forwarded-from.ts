/**
 * Who asked, as backends are told it: the fields that Muster adds to each request of one client's connection.
 *
 *     X-Forwarded-For: 192.0.2.7      who asked; what the client itself said of that only where it is trusted
 *     X-Request-Id: 5f0c-1a-3         passed on, or made
 *     Via: 1.1 muster-5f0c…           RFC 9110, 7.6.3; the listener's own pseudonym, by which it knows what comes back
 *
 * Fields are text, one character per byte, whatever carries them in the end. Those that repeat with every request of a connection
 * are made once.
 */
import { hostOfTarget, isInAny } from '@muster/membership';
import type { RequestHead } from '@muster/http1';
import type { HttpSettings } from '../routes/http-settings.ts';
import { clientOf, forwardedNodes, listedNodes, plainAddress } from './client-chain.ts';

/** What is known of the connection that requests come on. */
export interface ArrivalFacts {
  /** '' for a Unix socket, which no CIDR holds. */
  readonly peerAddress: string;
  readonly scheme: string;
}

/** What the requests of one client connection have in common. */
export class ForwardedFrom {
  readonly address: string;
  readonly settings: HttpSettings;
  readonly #scheme: string;
  readonly #isTrusted: boolean;
  /** What trusted proxies said last of the client, and who it is by that; null before anybody said anything. */
  #saidFor: string | null = null;
  #saidForwarded: string | null = null;
  #client = '';
  #authority: string | null = null;
  #minorVersion = -1;
  #fields = '';

  constructor({ peerAddress, scheme }: ArrivalFacts, settings: HttpSettings) {
    // A socket for both families has IPv4 peers as ::ffff:192.0.2.7; backends know them by their own form.
    this.address = plainAddress(peerAddress);
    this.#scheme = scheme;
    this.settings = settings;
    this.#isTrusted = settings.trustedProxies.length > 0 && isInAny(settings.trustedProxies, peerAddress);
  }

  /** What a request becomes on its way to the backend of its newest attempt. */
  routing({ head, requestId, attempts }: RoutedRequest, pathAndQuery: string): RequestRouting {
    const host = hostFor(this.settings.hostField, head.authority, attempts.at(-1)!.target);
    return { pathAndQuery, host, from: `${this.#fieldsOf(head)}X-Request-Id: ${requestId}\r\n` };
  }

  /** The fields that say who asked, `Via` included. */
  #fieldsOf(head: RequestHead): string {
    if (this.#isTrusted) return this.#fieldsFrom(head, head);
    if (this.#authority !== head.authority || this.#minorVersion !== head.minorVersion) {
      this.#authority = head.authority;
      this.#minorVersion = head.minorVersion;
      this.#fields = this.#fieldsFrom(NOTHING_SAID, head);
    }
    return this.#fields;
  }

  /** Adds what only a trusted proxy may say to what goes on, where this peer is one. Once per request. */
  admit(head: RequestHead): void {
    if (this.#isTrusted && head.said !== '') head.fields += head.said;
  }

  /** The client's own address as it is believed: whom trusted proxies name (X-Forwarded-For before Forwarded), else the peer. */
  clientAddress({ forwardedFor, forwarded }: RequestHead): string {
    if (!this.#isTrusted || (forwardedFor === null && forwarded === null)) return this.address;
    if (this.#saidFor !== forwardedFor || this.#saidForwarded !== forwarded) {
      this.#saidFor = forwardedFor;
      this.#saidForwarded = forwarded;
      const nodes = forwardedFor === null ? forwardedNodes(forwarded!) : listedNodes(forwardedFor);
      this.#client = clientOf(nodes, this.address, this.settings.trustedProxies);
    }
    return this.#client;
  }

  #fieldsFrom(said: Said, { authority, minorVersion }: RequestHead): string {
    const { forwardedFields } = this.settings;
    let fields = '';
    if (forwardedFields === 'x-forwarded' || forwardedFields === 'both') {
      fields += `X-Forwarded-For: ${appended(said.forwardedFor, this.address || 'unknown')}\r\n`;
      fields += `X-Forwarded-Proto: ${said.forwardedProto ?? this.#scheme}\r\n`;
      if (authority !== '' || said.forwardedHost !== null) {
        fields += `X-Forwarded-Host: ${said.forwardedHost ?? listable(authority)}\r\n`;
      }
    } else {
      if (said.forwardedFor !== null) fields += `X-Forwarded-For: ${said.forwardedFor}\r\n`;
      if (said.forwardedProto !== null) fields += `X-Forwarded-Proto: ${said.forwardedProto}\r\n`;
      if (said.forwardedHost !== null) fields += `X-Forwarded-Host: ${said.forwardedHost}\r\n`;
    }
    if (forwardedFields === 'forwarded' || forwardedFields === 'both') {
      fields += `Forwarded: ${appended(said.forwarded, forwardedElement(this.address, this.#scheme, authority))}\r\n`;
    } else if (said.forwarded !== null) fields += `Forwarded: ${said.forwarded}\r\n`;
    const { pseudonym } = this.settings;
    return `${fields}Via: 1.${minorVersion} ${pseudonym ?? 'muster'}\r\n`;
  }
}

interface Said {
  readonly forwardedFor: string | null;
  readonly forwardedProto: string | null;
  readonly forwardedHost: string | null;
  readonly forwarded: string | null;
}

const NOTHING_SAID: Said = { forwardedFor: null, forwardedProto: null, forwardedHost: null, forwarded: null };

/** X-Forwarded-Host is read as a list, which the comma of a registered name must not end. */
function listable(authority: string): string {
  return authority.includes(',') ? authority.replaceAll(',', '%2C') : authority;
}

function appended(list: string | null, element: string): string {
  return list === null || list === '' ? element : `${list}, ${element}`;
}

/** RFC 7239, 4: IPv6 addresses are bracketed and quoted, as is a host with a port. */
function forwardedElement(address: string, scheme: string, authority: string): string {
  const node = address === '' ? 'unknown' : address.includes(':') ? `"[${address}]"` : address;
  return `for=${node};${authority === '' ? '' : `host="${authority}";`}proto=${scheme}`;
}

/** The exchange. */
interface RoutedRequest {
  readonly head: RequestHead;
  readonly requestId: string;
  readonly attempts: readonly { readonly target: string }[];
}

export interface RequestRouting {
  readonly pathAndQuery: string;
  /** The Host that the backend sees. */
  readonly host: string;
  /** Who asked, and the request's id, as fields; '' where they are among the others. */
  readonly from: string;
}

/** The Host that a backend at `target` sees: the client's, a name, or the target itself, also where a client said none. */
function hostFor(hostField: string, authority: string, target: string): string {
  const host = hostField === 'keep' ? authority : hostField;
  if (host !== 'target' && host !== '') return host;
  return hostOfTarget(target);
}
