/** Public entry: a nats-server as child processes. */
export * from './nats-server.ts';
