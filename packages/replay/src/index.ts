/** Public entry: time travel over a journal. */
export {
  healthWhatIf,
  type BackendWhatIf,
  type HealthAnswer,
  type HealthQuestion,
  type HealthRefusal,
  type HealthTotals,
} from './what-if/health-what-if.ts';
export type { FlipPair } from './what-if/flip-pairs.ts';
export type { Flip } from './what-if/health-course.ts';
export type { HealthSettings } from './what-if/health-settings.ts';
export type { ReplaySource } from './replay-source.ts';
