/**
 * What questions about the past are put to: a node's journal, or an incident file with neither node nor cluster. Neither who asks nor the
 * question needs to know which.
 *
 * Refuses with `ReplayError`, whose codes and sentences pass on to whoever asked.
 */
import {
  createReplay,
  openIncident,
  parseAccessLine,
  parseInstant,
  recordedDecisions,
  ReplayError,
  type AccessLine,
  type DecisionEvidence,
  type Incident,
  type Instant,
  type Replay,
  type ReplaySource,
  type RequestEvidence,
} from '@muster/replay';

/** A request is named by its id, or by its line in the access log. */
type AskedRequest = { readonly id: string } | { readonly line: string };

/** What is known of a request by its id. */
export interface FoundEvidence {
  /** The oldest first: a client may have used its request id more than once. */
  readonly decisions: readonly DecisionEvidence[];
  /** Workers that gave no answer in time; none of a file. */
  readonly silentWorkers: readonly number[];
}

export interface PastOptions {
  /** Ms since 1970; what `-5m` and `now` are reckoned from. */
  readonly now: () => number;
  readonly findDecisions: (requestId: string) => Promise<FoundEvidence>;
  /** The source with all decisions that are known, where that are more than it keeps. Default: the source. */
  readonly decisionSource?: ReplaySource;
  /** Why a target is not dialled now, for people; null where it is. Default: nobody knows. */
  readonly refusalOfTarget?: (target: string) => string | null;
  /** What to do about a request of which nothing is known, for the message. */
  readonly unknownRequestAdvice: string;
}

export class Past {
  readonly replay: Replay;
  readonly decisionSource: ReplaySource;
  /** Null of a file, which dials nobody. */
  readonly refusalOfTarget: ((target: string) => string | null) | null;
  readonly #options: PastOptions;

  constructor(source: ReplaySource, options: PastOptions) {
    this.replay = createReplay(source);
    this.decisionSource = options.decisionSource ?? source;
    this.refusalOfTarget = options.refusalOfTarget ?? null;
    this.#options = options;
  }

  nowMs(): number {
    return this.#options.now();
  }

  /** The moment in the log that a text names. */
  resolve(text: string): Promise<Instant> {
    return this.replay.resolve(text, this.nowMs());
  }

  /** The time that a text names. What was seen is looked up by its time alone: that moment need not lie in the log. */
  async momentMs(text: string): Promise<number> {
    const nowMs = this.nowMs();
    const meant = parseInstant({ text, nowMs });
    if (meant.kind === 'time') return meant.timeMs;
    return meant.kind === 'now' ? nowMs : (await this.resolve(text)).timeMs;
  }

  /** What was recorded of a request, or else its line in the access log. */
  async findEvidence(query: AskedRequest): Promise<Evidence> {
    if ('line' in query) return this.#evidenceOfLine(lineOf(query.line));
    const { decisions, silentWorkers } = await this.#options.findDecisions(query.id);
    if (decisions.length > 0) return { kind: 'decision', evidence: decisions, silentWorkers };
    const { name } = this.replay.source;
    const message = `${name} knows of no request ${query.id}; ${this.#options.unknownRequestAdvice}`;
    throw new ReplayError('unknown-request', message);
  }

  /** Of an id that was used more than once, a line means the request that it is about. */
  async #evidenceOfLine(line: AccessLine): Promise<Evidence> {
    const { decisions, silentWorkers } = await this.#options.findDecisions(line.request.requestId);
    const evidence = decisions.filter((one) => isSameRequest(one, line));
    if (evidence.length > 0) return { kind: 'decision', evidence, silentWorkers };
    return { kind: 'line', evidence: [line], silentWorkers };
  }
}

interface Evidence {
  readonly kind: 'decision' | 'line';
  readonly evidence: readonly RequestEvidence[];
  readonly silentWorkers: readonly number[];
}

/** A line says when it was written, which may be somewhat after the request ended. */
const WRITTEN_WITHIN_MS = 1_000;

/** The same worker, and the same duration to a microsecond: an id that a client uses again hardly comes by both again. */
function isSameRequest({ decision, worker }: DecisionEvidence, line: AccessLine): boolean {
  const micros = (ms: number): number => Math.round(ms * 1_000);
  return (
    worker === line.worker &&
    micros(decision.durationMs) === micros(line.request.durationMs) &&
    Math.abs(decision.timeMs - line.request.timeMs) <= WRITTEN_WITHIN_MS
  );
}

function lineOf(text: string): AccessLine {
  const parsed = parseAccessLine(text);
  if (parsed.ok) return parsed.line;
  throw new ReplayError('invalid-question', parsed.message);
}

/** The past that is in a file. */
export interface IncidentPast {
  readonly incident: Incident;
  readonly past: Past;
}

/**
 * Opens an incident file; whoever does closes it. `now` and `-5m` are reckoned from the file's end: whoever reads it next week asks
 * about the time before it was written. Throws `ReplayError` `unreadable-file`.
 */
export async function incidentPast(path: string): Promise<IncidentPast> {
  const incident = await openIncident(path);
  const past = new Past(incident, {
    now: () => incident.about.toMs,
    findDecisions: async (requestId) => ({
      decisions: await recordedDecisions(incident, requestId),
      silentWorkers: [],
    }),
    unknownRequestAdvice:
      "decisions are in a file where they were recorded (muster decisions --record); give the request's line in the access log instead (--line)",
  });
  return { incident, past };
}
