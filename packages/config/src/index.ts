/** What others may use of this package. */
export { type NodeConfig } from './node-config.ts';
export { type NodeSettings } from './node-settings.ts';
export { formatProblem } from './config-problem.ts';
export { type DeclaredRoster } from './declared-roster.ts';
export { leftAlone, notInForce, unsettled, type NotInForce } from './plan/in-force.ts';
export { parseConfig, readConfig, type LoadOptions, loadConfig, type LoadedConfig } from './load-config.ts';
export { planApply } from './plan/plan-apply.ts';
export { massRemoval, withoutRemovals } from './plan/plan-guard.ts';
export {
  isEffective,
  type EffectiveStep,
  type FieldChange,
  type PlannedRoster,
  type PlanStep,
  planEntity,
  settingChanges,
  type Compared,
  type DefiningCommand,
  type EntityKind,
} from './plan/plan-step.ts';
export { planLines, showValue } from './plan/plan-text.ts';
export {
  readRoster,
  rosterOf,
  type ImportedBackend,
  type ImportedRoster,
  type ImportReading,
} from './imported-roster.ts';
export { readTextFile } from './text-file.ts';
export { loadConfigAside } from './load-config-aside.ts';
export { type JetStreamConfig } from './journal-config.ts';
