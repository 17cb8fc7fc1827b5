/** Public entry: the data plane, run in workers, and the control process's side of its listening sockets. */
export type { SocketHandle, Transport } from './transport/leg.ts';
export type { Decision } from './pool/proxied-pool.ts';
export type { Outlier } from './pool/ejection-tally.ts';
export { rawTransport } from './transport/raw-transport.ts';
export type { RefusalLine } from './refusal-log.ts';
export { bindSharedSocket, type BindOutcome, type SharedSocket } from './transport/shared-socket.ts';
export { relayStreams, type RelayStreamsOptions } from './tcp/relay-streams.ts';
export { socketTransport } from './transport/socket-transport.ts';
export { MAX_CONNECTIONS_DEFAULT, DataPlane, type OpenListenerOutcome, type DataPlaneOptions } from './data-plane.ts';
export type { CloseReason, ListenerStats, PoolStats, ProxyStats, RefusalReason } from './traffic-stats.ts';
