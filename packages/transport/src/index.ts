/** Public entry: byte streams to clients and backends, for the data plane and for the probes alike. */
export { CachingResolver } from './caching-resolver.ts';
export { describeConnectFailure, isLocalFault } from './connect-failure.ts';
export { Dialler } from './dialler.ts';
export type {
  AcceptCallbacks,
  Acceptor,
  Dial,
  DialOwner,
  Leg,
  LegOwner,
  ListenOutcome,
  SocketHandle,
  Transport,
  WriteOutcome,
} from './leg.ts';
export type { NameResolver } from './name-resolver.ts';
export { rawTransport } from './raw-transport.ts';
export { bindSharedSocket, type BindOutcome, type SharedSocket } from './shared-socket.ts';
export { socketTransport } from './socket-transport.ts';
export { ANY_TARGET, type TargetGuard } from './target-guard.ts';
export { textOf } from './text.ts';
