/** Public entry: byte streams to clients and backends, for the data plane and for the probes alike. */
export { describeConnectFailure, isLocalFault } from './connect-failure.ts';
export { dialTarget } from './dial-target.ts';
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
export { rawTransport } from './raw-transport.ts';
export { bindSharedSocket, type BindOutcome, type SharedSocket } from './shared-socket.ts';
export { socketTransport } from './socket-transport.ts';
export { textOf } from './text.ts';
