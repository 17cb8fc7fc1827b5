/**
 * Small texts for people: times, durations, where a listener leads, and any text as one harmless line. They need nothing but themselves,
 * so that a command which shows a status does not load the vocabulary of events.
 */
import type { ListenerSpec, Route } from '@muster/membership';

/** Local time, `12:03:04.123`. */
export function timeOfDay(timeMs: number): string {
  const date = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

/** Local date and time, `2026-03-01 12:03:04.123`. */
export function dateAndTime(timeMs: number): string {
  const date = new Date(timeMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(timeMs)}`;
}

/**
 * What a terminal would obey, or what would not be seen: control characters (C0, DEL, C1), line and paragraph separators, characters
 * that turn the direction of writing or have no width (Cf), and halves of surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const ALL_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu');

/** A text from anywhere as one line that does nothing to a terminal: what would is written as in JSON, `\u001b`. */
export function printable(text: string): string {
  return UNPRINTABLE.test(text) ? text.replaceAll(ALL_UNPRINTABLE, escaped) : text;
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }).join('');
}

/** `3.2 s`, `4 min`, `5 h`, `2 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** Routes in one cell of a table. */
const ROUTES_SHOWN_MAX = 3;

/**
 * Where a listener leads: `spells`, or its routes, `api.example.com/v1 → api, *.example.com → web, and 3 more`. The routes stand in the
 * order in which they were given, though how specific they are decides which one leads. `shownMax`: how many are written out.
 */
export function leadsTo(
  { pool, routes = [] }: Pick<ListenerSpec, 'pool' | 'routes'>,
  shownMax = ROUTES_SHOWN_MAX,
): string {
  if (pool !== undefined) return pool;
  const shown = routes.slice(0, shownMax).map(routeText);
  const restCount = routes.length - shown.length;
  return restCount > 0 ? `${shown.join(', ')}, and ${restCount} more` : shown.join(', ');
}

/** `api.example.com/v1 → api`; a star stands for any host, and what a backend does not see of the path is in brackets. */
export function routeText({ host = '*', path = '', pool, stripPrefix = false }: Route): string {
  return `${host}${stripPrefix && path !== '' ? `[${path}]` : path} → ${pool}`;
}
