/** Public entry: how anything of ours connects to NATS. */
export * from './nats-access.ts';
export * from './nats-link.ts';
