/** Public entry: what a node saw, and where it is kept. */
export * from './observation.ts';
