/** Public entry: time travel over a journal. */
export type { ReplaySource } from './replay-source.ts';
