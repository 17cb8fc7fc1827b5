/** Public entry: the data plane, run in workers, and the control process's side of its listening sockets. */
export type { SocketHandle, Transport } from './leg.ts';
export type { Decision } from './proxied-pool.ts';
export { rawTransport } from './raw-transport.ts';
export type { RefusalLine } from './refusal-log.ts';
export { bindSharedSocket, type BindOutcome, type SharedSocket } from './shared-socket.ts';
export { relayStreams, type RelayStreamsOptions } from './relay-streams.ts';
export { socketTransport } from './socket-transport.ts';
export { MAX_CONNECTIONS_DEFAULT, TcpProxy, type OpenListenerOutcome, type TcpProxyOptions } from './tcp-proxy.ts';
export type { CloseReason, ListenerStats, PoolStats, ProxyStats, RefusalReason } from './traffic-stats.ts';
