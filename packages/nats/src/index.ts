/** Public entry: how anything of ours connects to NATS. */
export { describeServers, NatsAccessError, type NatsAccess } from './nats-access.ts';
export { checkNatsAccess } from './access-check.ts';
export { openNatsLink, type NatsLink, type NatsLinkOptions } from './nats-link.ts';
export { liveWire, type LiveWireOptions } from './live-wire.ts';
