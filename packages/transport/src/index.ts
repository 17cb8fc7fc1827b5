/** Public entry: byte streams to clients and backends, for the data plane and for the probes alike. */
export { connectFailure, isLocalFault, timeoutCode, type ConnectFailureKind } from './connect-failure.ts';
export type { DialClock } from './names/resolver-settings.ts';
export { Dialler, systemDialler } from './dialler.ts';
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
export {
  systemResolver,
  type CachingResolver,
  type FailingName,
  type ResolverStats,
} from './names/caching-resolver.ts';
export type { NameResolver, NameWait, NameWatcher } from './names/name-resolver.ts';
export type { ResolverSettings } from './names/resolver-settings.ts';
export { rawTransport, rawTransportWith } from './raw-transport.ts';
export { ReadBuffers } from './read-buffers.ts';
export { bindSharedSocket, type BindOutcome, type BoundSocket } from './shared-socket.ts';
export { socketTransport } from './socket-transport.ts';
export type { OwnAddress } from './own-addresses.ts';
export { ANY_TARGET, NodeTargetGuard, type TargetGuard } from './target-guard.ts';
export { parseTargetRule, TARGET_RULE_FORM, type TargetPolicy } from './target-policy.ts';
export { textOf } from './read-buffers.ts';
