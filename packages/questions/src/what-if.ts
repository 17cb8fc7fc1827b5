/**
 * What happened and what would have, side by side.
 *
 *     pool spells on node lb-1, 2026-03-01 12:00:00.000 to 12:30:00.000, with fall 5: 3 backends, 1,080 probes
 *
 *                       HAPPENED  WOULD HAVE
 *     flips             6         2
 *     time unhealthy    42 s      18 s
 *
 *     BACKEND   HAPPENED                                   WOULD HAVE
 *     spells-1  12:03:58.220 unhealthy (event 117)         avoided
 */
import type { FlipPair, HealthAnswer, PicksAnswer } from '@muster/replay';
import type { WhatIfAnswer } from './past.ts';
import { dateAndTime, duration, printable } from './text/plain-text.ts';
import { paint } from './text/output.ts';
import { tableLines, type Line } from './text/table.ts';

/** Flips shown; `--json` has all. */
const FLIPS_SHOWN_MAX = 100;

export function whatIfLines({ health, picks }: WhatIfAnswer): Line[] {
  const sections = [...(health === null ? [] : [healthLines(health)]), ...(picks === null ? [] : [picksLines(picks)])];
  return sections.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

function healthLines(health: HealthAnswer): Line[] {
  const { pool, node, fromMs, toMs, backendsCount, happened, assumptions } = health;
  const span = `${dateAndTime(fromMs)} to ${dateAndTime(toMs)}`;
  const counts = `${backendsCount} backends, ${happened.probesCount} probes`;
  return [
    `pool ${paint('bold', pool)} on node ${node}, ${span}, with ${settingsText(health)}: ${counts}`,
    paint('green', 'the settings that were in force give what happened, flip for flip'),
    '',
    ...totalLines(health),
    '',
    verdictLine(health),
    ...flipLines(health),
    ...assumptions.map(assumptionLine),
  ];
}

/** Shares of the picks, backend by backend. */
function picksLines({ pool, node, policy, decisionsCount, picksCount, movedCount, ...rest }: PicksAnswer): Line[] {
  const share = (count: number): string => (picksCount === 0 ? '-' : `${((count / picksCount) * 100).toFixed(1)} %`);
  const rows = rest.backends.map(({ backend, happenedCount, otherwiseCount }) => [
    backend,
    String(happenedCount),
    share(happenedCount),
    String(otherwiseCount),
    share(otherwiseCount),
  ]);
  const nobody = rest.nobodyCount === 0 ? '' : `, ${rest.nobodyCount} of them to nobody`;
  return [
    `pool ${paint('bold', pool)} on node ${node} with ${policy}: ${picksCount} picks of ${decisionsCount} requests`,
    paint('green', 'each recorded pick, made again, is the one that was made'),
    `${movedCount} picks would have gone elsewhere${nobody}`,
    '',
    ...tableLines(['BACKEND', 'HAPPENED', '', 'WOULD HAVE', ''], rows),
    ...rest.assumptions.map(assumptionLine),
  ];
}

function assumptionLine(assumption: string): string {
  return paint('yellow', printable(`assumed: ${assumption}`));
}

function settingsText({ settings }: HealthAnswer): string {
  const { fall, rise, intervalMs, timeoutMs } = settings;
  const parts = [
    ...(fall === undefined ? [] : [`fall ${fall}`]),
    ...(rise === undefined ? [] : [`rise ${rise}`]),
    ...(intervalMs === undefined ? [] : [`an interval of ${intervalMs} ms`]),
    ...(timeoutMs === undefined ? [] : [`a timeout of ${timeoutMs} ms`]),
  ];
  return parts.length === 0 ? 'the settings as they were' : parts.join(', ');
}

function totalLines({ happened, otherwise }: HealthAnswer): Line[] {
  return tableLines(
    ['', 'HAPPENED', 'WOULD HAVE'],
    [
      ['probes', String(happened.probesCount), String(otherwise.probesCount)],
      ['flips', String(happened.flipsCount), String(otherwise.flipsCount)],
      ['time unhealthy', duration(happened.unhealthyMs), duration(otherwise.unhealthyMs)],
    ],
  );
}

function verdictLine({ sameCount, movedCount, avoidedCount, addedCount }: HealthAnswer): string {
  const parts = [
    `${sameCount} the same`,
    `${movedCount} at another time`,
    `${avoidedCount} avoided`,
    `${addedCount} added`,
  ];
  return `flips: ${parts.join(', ')}`;
}

function flipLines({ backends }: HealthAnswer): Line[] {
  const flips = backends.flatMap(({ backend, flips: own }) => own.map((flip) => ({ backend, flip })));
  if (flips.length === 0) return [];
  const rows = flips
    .slice(0, FLIPS_SHOWN_MAX)
    .map(({ backend, flip }) => [
      backend,
      flip.happened === null ? '-' : flipText(flip.happened, flip.revision),
      otherwiseText(flip),
    ]);
  const restCount = flips.length - rows.length;
  return [
    ...tableLines(['BACKEND', 'HAPPENED', 'WOULD HAVE'], rows),
    ...(restCount > 0 ? [`and ${restCount} more; --json has all`] : []),
  ];
}

function otherwiseText(pair: FlipPair): string {
  switch (pair.outcome) {
    case 'same':
      return 'the same';
    case 'avoided':
      return paint('green', 'avoided');
    case 'added':
      return paint('red', flipText(pair.otherwise, null));
    case 'moved': {
      const laterMs = pair.otherwise.timeMs - pair.happened.timeMs;
      const by = `${duration(Math.abs(laterMs))} ${laterMs < 0 ? 'earlier' : 'later'}`;
      return paint('yellow', `${flipText(pair.otherwise, null)}, ${by}`);
    }
  }
}

function flipText({ timeMs, health, reason }: NonNullable<FlipPair['happened']>, revision: number | null): string {
  const event = revision === null ? '' : ` (event ${revision})`;
  return printable(`${dateAndTime(timeMs)} ${health}${event}${reason === null ? '' : `: ${reason}`}`);
}
