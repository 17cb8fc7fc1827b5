/** The settings of a health check that may be tried on what was recorded, and the policy that they make. Pure. */
import type { HealthPolicy } from '@muster/membership';

/** What is left out stays as it was in force at each moment. */
export interface HealthSettings {
  /** 1 to 100. */
  readonly fall?: number;
  /** 1 to 100. */
  readonly rise?: number;
  /** 50 to 3,600,000. */
  readonly intervalMs?: number;
  /** 10 to 600,000. */
  readonly timeoutMs?: number;
}

const RANGES: Readonly<Record<keyof HealthSettings, readonly [from: number, to: number]>> = {
  fall: [1, 100],
  rise: [1, 100],
  intervalMs: [50, 3_600_000],
  timeoutMs: [10, 600_000],
};

/** What is wrong with the settings, in a sentence; null for nothing. */
export function settingsFault(settings: HealthSettings): string | null {
  for (const [name, [from, to]] of Object.entries(RANGES)) {
    const value = settings[name as keyof HealthSettings];
    if (value === undefined || (Number.isInteger(value) && value >= from && value <= to)) continue;
    return `${name} is ${value}: it is a whole number from ${from} to ${to}`;
  }
  return null;
}

/** The policy with the settings in the place of its own. A fast interval that it names stays what it is. */
export function policyWith(policy: HealthPolicy, { fall, rise, intervalMs, timeoutMs }: HealthSettings): HealthPolicy {
  return {
    ...policy,
    ...(fall !== undefined && { fall }),
    ...(rise !== undefined && { rise }),
    ...(intervalMs !== undefined && { intervalMs }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}
