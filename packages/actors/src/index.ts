/** Public entry: a node's life, and what it needs from the world. Start at `node-handle.ts` and `ports.ts`. */
export { coarseClock } from './clock.ts';
export * from './inspection/inspection-line.ts';
export type { Neighbour } from './peers/neighbours.ts';
export * from './node-handle.ts';
export * from './node-status.ts';
export { startNode } from './node.ts';
export * from './ports.ts';
