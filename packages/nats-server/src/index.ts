/** Public entry: a nats-server as child processes. */
export { freePorts } from './free-ports.ts';
export * from './nats-server.ts';
export { endWithThisProcess } from './process-guard.ts';
export { natsServerProgram, newestNatsServer } from './server-program.ts';
export { startNatsServer } from './server-process.ts';
export { startNatsCluster, type NatsClusterOptions } from './server-cluster.ts';
