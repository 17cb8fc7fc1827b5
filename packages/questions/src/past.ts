/**
 * Answers about the past, from any source: a node's journal or an incident file. Plain JSON, the same from both, so that the
 * admin API hands it out, the command line prints it, and neither knows where it is from.
 *
 * Refuses with `ReplayError`, whose codes and sentences pass on to whoever asked.
 */
import { VERSION } from '@muster/membership/version';
import {
  createReplay,
  diffView,
  explainBackend,
  explainRequest,
  healthWhatIf,
  parseAccessLine,
  parseInstant,
  ReplayError,
  stateView,
  writeIncident,
  type AccessLine,
  type BackendExplanation,
  type DecisionEvidence,
  type DiffView,
  picksWhatIf,
  type HealthAnswer,
  type HealthRefusal,
  type PicksAnswer,
  type PicksQuestion,
  type PicksRefusal,
  type Replay,
  type ReplaySource,
  type RequestEvidence,
  type RequestExplanation,
  type StateView,
} from '@muster/replay';
import { setImmediate } from 'node:timers/promises';
import type { Roster } from '@muster/membership';
import type { BackendQuery, DiffQuery, ExportQuery, RequestQuery, StateQuery, WhatIfQuery } from './past-queries.ts';

/** What is known of a request by its id. */
export interface FoundEvidence {
  /** The oldest first: a client may have used its request id more than once. */
  readonly decisions: readonly DecisionEvidence[];
  /** Workers that gave no answer in time; none of a file. */
  readonly silentWorkers: readonly number[];
}

export interface RequestAnswer {
  readonly kind: 'request';
  readonly source: string;
  /** `line`: nothing was recorded of it, or not on this node, so that its line in the access log is all there is. */
  readonly evidence: 'decision' | 'line';
  readonly explanations: readonly RequestExplanation[];
  readonly silentWorkers: readonly number[];
}

/** A backend explained by a node, which knows whether it dials the target; a file does not. */
export type ExplainedHere = BackendExplanation & {
  /** Why this node does not dial the target now, for people; null where it does, for a host name, and seen by another node. */
  readonly refusal?: string | null;
};

export interface WhatIfAnswer {
  readonly kind: 'what-if';
  readonly source: string;
  /** Null where no more than picks was asked about. */
  readonly health: HealthAnswer | null;
  /** Null where no policy was asked about. */
  readonly picks: PicksAnswer | null;
}

export interface PastOptions {
  /** Ms since 1970; what `-5m` and `now` are reckoned from. */
  readonly now: () => number;
  readonly findDecisions: (requestId: string) => Promise<FoundEvidence>;
  /** What is exported, where that is more than what is asked otherwise. Default: the source. */
  readonly exportSource?: ReplaySource;
  /** What to do about a request of which nothing is known, for the message. */
  readonly unknownRequestAdvice: string;
}

export class Past {
  readonly replay: Replay;
  readonly #options: PastOptions;

  constructor(source: ReplaySource, options: PastOptions) {
    this.replay = createReplay(source);
    this.#options = options;
  }

  async state({ at, node, pool }: StateQuery): Promise<StateView> {
    const instant = await this.#resolve(at);
    return stateView(this.replay, instant, { ...(node && { node }), ...(pool && { pool }) });
  }

  async diff({ from, to, node }: DiffQuery): Promise<DiffView> {
    const range = { from: await this.#resolve(from), to: await this.#resolve(to) };
    return diffView(this.replay, range, { ...(node && { node }) });
  }

  async backend({ pool, backend, at, node }: BackendQuery): Promise<BackendExplanation> {
    return explainBackend(this.replay, { pool, backend, at: await this.#resolve(at), ...(node && { node }) });
  }

  async request(query: RequestQuery): Promise<RequestAnswer> {
    const { evidence, silentWorkers, kind } = await this.#evidence(query);
    const explanations: RequestExplanation[] = [];
    for (const one of evidence) explanations.push(await explainRequest(this.replay, one));
    return { kind: 'request', source: this.replay.source.name, evidence: kind, explanations, silentWorkers };
  }

  /** What other settings would have made of what was recorded; with none given it is shown that they give what happened. */
  async whatIf({ pool, from, to, policy, ...settings }: WhatIfQuery): Promise<WhatIfAnswer> {
    const [fromMs, toMs] = [await this.#momentMs(from), await this.#momentMs(to)];
    const tried = given(settings);
    const question = { pool, fromMs, toMs };
    const isAboutHealth = policy === undefined || Object.keys(tried).length > 0;
    const health = isAboutHealth ? await healthWhatIf(this.replay.source, { ...question, ...tried }) : null;
    const picks = policy === undefined ? null : await this.#picksWhatIf({ ...question, policy });
    return { kind: 'what-if', source: this.replay.source.name, health: answered(health), picks: answered(picks) };
  }

  /** Each recorded pick is made again, which takes as long as its pool is large: between two of them others have their turn. */
  #picksWhatIf(question: PicksQuestion): ReturnType<typeof picksWhatIf> {
    const rosterAt: Replay['rosterAt'] = async (revision) => {
      await setImmediate();
      return this.replay.rosterAt(revision);
    };
    return picksWhatIf({ source: this.#options.exportSource ?? this.replay.source, replay: { rosterAt } }, question);
  }

  /** The bytes of an incident file, as they come. */
  async export({ from, to }: ExportQuery): Promise<AsyncGenerator<Uint8Array, void>> {
    const [begin, end] = [await this.#resolve(from), await this.#resolve(to)];
    // What was observed since the newest event belongs to it, too.
    const toMs = to === 'now' ? Math.max(this.#options.now(), end.timeMs) : end.timeMs;
    if (end.revision < begin.revision || toMs < begin.timeMs) {
      throw new ReplayError('invalid-question', `${to} is before ${from}: give the earlier moment first`);
    }
    const base = await this.#before(begin.revision);
    const span = { base, fromMs: begin.timeMs, toRevision: end.revision, toMs };
    const program = `muster ${VERSION}`;
    const source = this.#options.exportSource ?? this.replay.source;
    return writeIncident(source, span, { program, madeMs: this.#options.now() });
  }

  /** The state before an event, so that the event itself is in the file; its own where nothing older can be had. */
  async #before(revision: number): Promise<Roster> {
    try {
      return (await this.replay.rosterAt(Math.max(0, revision - 1))).roster;
    } catch (error) {
      if (!(error instanceof ReplayError) || error.code !== 'compacted') throw error;
      return (await this.replay.rosterAt(revision)).roster;
    }
  }

  /** What was seen is looked up by its time alone: a moment need not lie in the log. */
  async #momentMs(text: string): Promise<number> {
    const nowMs = this.#options.now();
    const meant = parseInstant({ text, nowMs });
    if (meant.kind === 'time') return meant.timeMs;
    return meant.kind === 'now' ? nowMs : (await this.#resolve(text)).timeMs;
  }

  #resolve(text: string): ReturnType<Replay['resolve']> {
    return this.replay.resolve(text, this.#options.now());
  }

  async #evidence(query: RequestQuery): Promise<Evidence> {
    const line = 'line' in query ? lineOf(query.line) : null;
    const id = 'line' in query ? line!.request.requestId : query.id;
    const { decisions, silentWorkers } = await this.#options.findDecisions(id);
    // Of an id that was used more than once, a line means the request that it is about.
    const meant = line === null ? decisions : decisions.filter((one) => isSameRequest(one, line));
    if (meant.length > 0) return { kind: 'decision', evidence: meant, silentWorkers };
    if (line !== null) return { kind: 'line', evidence: [line], silentWorkers };
    const { name } = this.replay.source;
    const message = `${name} knows of no request ${id}; ${this.#options.unknownRequestAdvice}`;
    throw new ReplayError('unknown-request', message);
  }
}

type WhatIfRefusal = HealthRefusal | PicksRefusal;

/** Throws what was refused. */
function answered<Answer extends HealthAnswer | PicksAnswer>(outcome: Answer | WhatIfRefusal | null): Answer | null {
  if (outcome === null || outcome.outcome === 'answered') return outcome;
  const { reason, message } = outcome;
  throw new ReplayError(reason === 'not-identical' ? reason : 'invalid-question', message);
}

function given<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };
}

interface Evidence {
  readonly kind: RequestAnswer['evidence'];
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
