/**
 * What is seen of a machine, as people read it:
 *
 *     12:03:04.123  prober spells/spells-1    is settled
 *     12:03:09.456  prober spells/spells-1    settled → doubting              contradicted reason="connection refused"
 *     12:03:12.460  backend spells/spells-1   ejection.ejected → ejection.returned  xstate.after.left.backend.ejection.ejected, did reinstate
 */
import type { ActorLine, EventLine, InspectionLine } from '@muster/actors';
import { printable, timeOfDay } from './text/plain-text.ts';
import { paint } from './text/output.ts';

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
  const text = before === becomes ? becomes : changeText(before, becomes);
  const padding = ' '.repeat(Math.max(2, STATE_COLUMNS - text.length));
  if (before === becomes) return text + padding;
  return paint(status === 'error' ? 'red' : 'bold', text) + padding;
}

/** Of a machine that is in two states at once only what changes is shown. */
function changeText(before: string, after: string): string {
  const [left, right] = [before.split(', '), after.split(', ')];
  if (left.length !== right.length) return `${before} → ${after}`;
  const changed = left.flatMap((from, index) => (from === right[index] ? [] : [`${from} → ${right[index]}`]));
  return changed.join(', ');
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
