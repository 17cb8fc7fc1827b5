/**
 * What other settings of a pool would have made of what was recorded: its probes judged again, its requests picked anew, or both. With
 * no settings given it is shown that those which were in force give what happened.
 */
import { setImmediate } from 'node:timers/promises';
import type { PoolSpec } from '@muster/membership';
import type { Replay } from '../fold/replay.ts';
import { ReplayError } from '../log/replay-error.ts';
import type { ReplaySource } from '../log/replay-source.ts';
import { healthWhatIf, type HealthAnswer, type HealthQuestion, type HealthRefusal } from './health-what-if.ts';
import { picksWhatIf, type PicksAnswer, type PicksRefusal } from './picks-what-if.ts';

export type WhatIfQuestion = HealthQuestion & { readonly policy?: PoolSpec['policy'] | undefined };

export interface WhatIfAnswer {
  readonly kind: 'what-if';
  readonly source: string;
  /** Null where no more than picks was asked about. */
  readonly health: HealthAnswer | null;
  /** Null where no policy was asked about. */
  readonly picks: PicksAnswer | null;
}

/** `decisions`: where recorded decisions are, if that is more than the source has. Throws `ReplayError`. */
export async function whatIf(
  replay: Replay,
  { policy, ...question }: WhatIfQuestion,
  decisions: ReplaySource = replay.source,
): Promise<WhatIfAnswer> {
  const { pool, fromMs, toMs, ...settings } = question;
  const isAboutHealth = policy === undefined || Object.values(settings).some((value) => value !== undefined);
  const health = isAboutHealth ? await healthWhatIf(replay.source, question) : null;
  const sources = { source: decisions, replay: { rosterAt: givingWay(replay) } };
  const picks = policy === undefined ? null : await picksWhatIf(sources, { pool, fromMs, toMs, policy });
  return { kind: 'what-if', source: replay.source.name, health: answered(health), picks: answered(picks) };
}

/** Each recorded pick is made again, which takes as long as its pool is large: between two of them others have their turn. */
function givingWay(replay: Replay): Replay['rosterAt'] {
  return async (revision) => {
    await setImmediate();
    return replay.rosterAt(revision);
  };
}

function answered<Answer extends HealthAnswer | PicksAnswer>(
  outcome: Answer | HealthRefusal | PicksRefusal | null,
): Answer | null {
  if (outcome === null || outcome.outcome === 'answered') return outcome;
  const { reason, message } = outcome;
  throw new ReplayError(reason === 'not-identical' ? reason : 'invalid-question', message);
}
