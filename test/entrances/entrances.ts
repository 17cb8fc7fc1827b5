/**
 * Every way in which a text from outside gets into Muster's control process, as a function of the text, and what must hold of each:
 * it takes the text or says in words why not, and four times the text costs about four times as much.
 *
 * The bytes of HTTP requests and answers have generators of their own in `test/conformance`, and the journal's file has one in
 * `damaged-journal.test.ts`. Over HTTP the admin API is asked in `entrances.test.ts`.
 */
import { refuseAppend } from '@muster/journal';
import {
  commandSchema,
  decide,
  decodeSnapshot,
  describeIssues,
  emptyRoster,
  fold,
  nearestName,
  parseAnnouncement,
  parseBind,
  parseHeartbeat,
  parseHeartbeatSubject,
  parseTarget,
  type RecordedEvent,
  type Roster,
} from '@muster/membership';
import { parseAccessLine, parseEventFilter, parseInstant, redactEvent, ReplayError } from '@muster/replay';
import { eventView } from '@muster/questions/events';
import { checkRequest, newEventSchema } from '@muster/admin';
import { parseConfig } from '@muster/config';
import { commandLineRefusal } from './command-words.ts';

/** Takes a text. Gives what it says to whoever sent it; null where it says nothing. */
type Entrance = (text: string) => string | null;

const eventOf = (parts: Partial<RecordedEvent>): RecordedEvent => {
  const usual = { revision: 2, timeMs: 2, id: 'e-2', subject: 'muster.test.pool.p', origin: null, payload: '{}' };
  return { ...usual, ...parts };
};
const roster: Roster = fold(emptyRoster('test'), eventOf({ revision: 1, payload: '{"type":"PoolDefined"}' })).roster;
const knownNames = Array.from({ length: 200 }, (_, index) => `spells-${index}`);

/** The value of a JSON text; the text itself where it is none. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An entrance that takes values gets texts as well.
    return text;
  }
}

/** What a question about the past is refused with. */
function refusalOf(ask: () => unknown): string | null {
  try {
    ask();
    return null;
  } catch (error) {
    if (error instanceof ReplayError) return error.message;
    throw error;
  }
}

/** What was read is of no interest here, and what was not is passed over without a word. */
function said(_read: unknown): null {
  return null;
}

function commandOutcome(text: string): string | null {
  const parsed = commandSchema.safeParse(valueOf(text));
  if (!parsed.success) return describeIssues(parsed.error.issues);
  const decision = decide(roster, parsed.data, null);
  return decision.outcome === 'refused' ? decision.message : null;
}

function configRefusal(text: string): string | null {
  const config = parseConfig(text, 'muster.toml', { isRosterOnly: true });
  if (config.outcome === 'loaded') return null;
  return config.problems.map(({ what, fix }) => `${what}; ${fix}`).join('. ');
}

const TARGETS_MAX = 500;

export const ENTRANCES: Readonly<Record<string, Entrance>> = {
  'the payload of an event': (payload) => fold(roster, eventOf({ payload })).rejection?.message ?? null,
  'the subject of an event': (subject) => fold(roster, eventOf({ subject })).rejection?.message ?? null,
  'the origin of an event': (origin) => {
    return fold(roster, eventOf({ origin, payload: '{"type":"PoolRemoved"}' })).rejection?.message ?? null;
  },
  'an append': (text) => {
    const refusal = refuseAppend({ id: text.slice(0, 100), subject: text, origin: text, payload: text });
    return refusal?.message ?? null;
  },
  'a command': commandOutcome,
  'a target': (target) => commandOutcome(JSON.stringify({ type: 'RegisterBackend', pool: 'p', backend: 'b', target })),
  'a route': (text) => {
    const routes = [
      { host: text, pool: 'p' },
      { path: text, pool: 'p' },
    ];
    const fields = { trustedProxies: [text], hostField: text, filters: [text], routes };
    return commandOutcome(
      JSON.stringify({ type: 'DefineListener', listener: 'l', bind: text, protocol: 'http', ...fields }),
    );
  },
  'the fields of a body': (text) => {
    const checked = checkRequest(newEventSchema, valueOf(text));
    return 'error' in checked ? checked.error.message : null;
  },
  'an address': (text) => said(parseTarget(text) ?? parseBind(text)),
  'a word of another node': (text) => said(parseAnnouncement('test', text.slice(0, 300), text)),
  'a heartbeat': (text) => said(parseHeartbeat(text) ?? parseHeartbeatSubject(text)),
  'a snapshot': (text) => {
    const decoded = decodeSnapshot(text);
    return decoded.outcome === 'decoded' ? null : decoded.message;
  },
  'a filter of events': (text) =>
    refusalOf(() => parseEventFilter({ type: text, pool: text, backend: text, origin: text })),
  'an instant': (text) => refusalOf(() => parseInstant({ text, nowMs: 0 })),
  'a line of an access log': (text) => {
    const parsed = parseAccessLine(text);
    return parsed.ok ? null : parsed.message;
  },
  'a misspelt name': (text) => nearestName(text, knownNames),
  'a config file': configRefusal,
  'a list of targets': (text) => {
    const target = (part: string) =>
      `[[targets]]\naddress = ${JSON.stringify(part)}\nhealth_check_endpoint = ${JSON.stringify(part)}\n`;
    const parts = [text, ...text.split(/[\s,;]+/).slice(0, TARGETS_MAX)];
    return configRefusal(parts.map(target).join(''));
  },
  'a command line': commandLineRefusal,
  'an event that is shown': (payload) => {
    JSON.stringify(eventView(eventOf({ payload }), null));
    return null;
  },
  'an event that is exported': (payload) => {
    JSON.stringify(redactEvent(eventOf({ payload, origin: payload.slice(0, 300) })));
    return null;
  },
};

/** Characters that an answer in words has at most, however much was sent: 50 problems of a config have the most. */
const WORDS_MAX = 32_768;
/** CPU time, ms, below which a text of these sizes cannot have cost the square of anything. */
const CHEAP_MS = 20;
/** Four times the text may cost so many times as much; what costs its square costs sixteen times as much. */
const RATIO_MAX = 9;
const TRIES = 4;

export function checkWords(name: string, words: string | null): void {
  if (words === null) return;
  if (typeof words !== 'string' || words.trim() === '') throw new Error(`${name}: it says nothing`);
  if (words.length > WORDS_MAX) throw new Error(`${name}: it says ${words.length} characters`);
}

/**
 * Throws where an entrance costs more than in proportion. CPU time of this thread, so that a busy machine does not matter; and only
 * what is dear at all is compared, the best of several tries, so that a pause of the collector does not either.
 */
export function checkCost(name: string, textOfSize: (characters: number) => string, characters: number): void {
  const entrance = ENTRANCES[name]!;
  const large = textOfSize(characters);
  if (cpuMs(() => entrance(large)) < CHEAP_MS) return;
  const small = textOfSize(characters / 4);
  let ratio = Infinity;
  for (let tries = 0; tries < TRIES && ratio > RATIO_MAX; tries++) {
    const smallMs = Math.min(
      cpuMs(() => entrance(small)),
      cpuMs(() => entrance(small)),
    );
    const largeMs = Math.min(
      cpuMs(() => entrance(large)),
      cpuMs(() => entrance(large)),
    );
    ratio = largeMs < CHEAP_MS ? 1 : Math.min(ratio, largeMs / Math.max(smallMs, 0.1));
  }
  if (ratio > RATIO_MAX) throw new Error(`${name}: four times the text costs ${ratio.toFixed(1)} times as much`);
}

function cpuMs(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
