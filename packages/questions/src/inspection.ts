/**
 * The live machines of a node: their states, and what happens to them: `muster inspect`. A stream of lines, one for each thing that is seen.
 *
 *     12:03:04.123  prober spells/spells-1    is settled
 *     12:03:09.456  prober spells/spells-1    settled → doubting              doubted
 *     12:03:11.460  backend spells/spells-1   probed                          flipped health=unhealthy reason="connection refused", did report
 */
import type { ActorLine, EventLine, InspectionLine, MachineKind } from '@muster/actors';
import type { z } from 'zod';
import type { Shapes } from './question.ts';
import { printable, timeOfDay } from './text/plain-text.ts';
import { paint } from './text/output.ts';

/** `kinds`: those that there are. */
export const inspectionQuery = ({ z, flag }: Shapes, kinds: readonly MachineKind[]) =>
  z.strictObject({
    kind: z.enum(kinds).optional().describe('which machines; all when left out'),
    id: z
      .string()
      .regex(/^[a-z0-9/-]{1,129}$/, "an id is a name such as web or lb-1, POOL/BACKEND, or a worker's index")
      .optional()
      .describe(
        'which of them: web, spells, spells/spells-1 (backend, prober, ejection), 0 (worker); all when left out',
      ),
    follow: flag.default(false).describe('go on with what happens from now on'),
  });

/** What every line holds; each machine's own input, context and events are its own business. */
export function inspectionShape({ z, ...of }: Shapes, kinds: readonly MachineKind[]): z.ZodType<InspectionLine> {
  const actor = {
    timeMs: of.timeMs,
    elapsedMs: of.number,
    kind: z.enum(kinds),
    id: of.text,
    status: z.enum(['active', 'done', 'stopped', 'error']),
    state: of.text,
    armed: z.array(z.object({ event: of.text, delayMs: of.number })),
  };
  const context = z.unknown();
  const children = z.array(z.object({ id: of.text, source: of.text }));
  return z.discriminatedUnion('type', [
    z.object({ type: z.literal('found'), ...actor, context, children }),
    z.object({ type: z.literal('started'), ...actor, input: z.unknown(), context }),
    z.object({
      type: z.literal('event'),
      ...actor,
      event: z.looseObject({ type: of.text }),
      before: of.text,
      context: context.exactOptional(),
      actions: of.texts,
      reason: of.text.exactOptional(),
    }),
    z.object({ type: z.literal('following'), timeMs: of.timeMs, actorsCount: of.count }),
    z.object({ type: z.literal('dropped'), timeMs: of.timeMs, linesCount: of.count }),
  ]);
}

const NAME_COLUMNS = 32;
const STATE_COLUMNS = 32;
/** Of an event's fields. */
const FIELDS_LENGTH_MAX = 160;

/** Null for a line that says nothing to a person. */
export function inspectionText(line: InspectionLine): string | null {
  switch (line.type) {
    case 'following':
      return null;
    case 'dropped':
      return paint(
        'yellow',
        `${timeOfDay(line.timeMs)}  ${line.linesCount} lines are missing here: this reader was too slow`,
      );
    case 'found':
      return `${headOf(line)}is ${paint('bold', line.state)}${armedText(line)}`;
    case 'started':
      return `${headOf(line)}${paint('green', 'started')} as ${paint('bold', line.state)}${armedText(line)}`;
    case 'event':
      return `${headOf(line)}${stateColumn(line)}${eventText(line)}${armedText(line)}`;
  }
}

function headOf({ timeMs, kind, id }: ActorLine): string {
  return `${timeOfDay(timeMs)}  ${`${kind} ${id}`.padEnd(NAME_COLUMNS)}  `;
}

function stateColumn({ before, state, status }: EventLine): string {
  const becomes = status === 'active' ? state : status === 'error' ? 'crashed' : status;
  const text = before === becomes ? becomes : `${before} → ${becomes}`;
  const padding = ' '.repeat(Math.max(2, STATE_COLUMNS - text.length));
  if (before === becomes) return text + padding;
  return paint(status === 'error' ? 'red' : 'bold', text) + padding;
}

function eventText({ event, actions, reason }: EventLine): string {
  const { type, ...fields } = event;
  const shown = Object.entries(fields)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(' ');
  const cut = shown.length > FIELDS_LENGTH_MAX ? `${shown.slice(0, FIELDS_LENGTH_MAX)}…` : shown;
  const did = actions.length === 0 ? '' : `, did ${actions.join(', ')}`;
  const why = reason === undefined ? '' : `: ${reason}`;
  return printable(`${type}${cut === '' ? '' : ` ${cut}`}${did}${why}`);
}

function armedText({ armed }: ActorLine): string {
  if (armed.length === 0) return '';
  const timers = armed.map(({ event, delayMs }) => `${timerName(event)} in ${Math.round(delayMs)} ms`);
  return paint('dim', `  (${timers.join(', ')})`);
}

/** `xstate.after.restart.backend.recovering`: `restart`. */
function timerName(event: string): string {
  return event.split('.')[2] ?? event;
}
