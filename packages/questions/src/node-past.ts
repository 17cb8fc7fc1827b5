/**
 * A node's own past: its journal, what it observed, and what its workers remember of their newest requests.
 *
 * What questions leave behind in memory (rosters on the way) is let go of some time after the last one.
 */
import type { Journal } from '@muster/journal';
import { isWanted, type Observation, type ObservationQuery, type ObservationStore } from '@muster/observations';
import type { DecisionEvidence, ReplaySource } from '@muster/replay';
import { itemsInTurns } from '@muster/replay/turns';
import type { FoundEvidence, Past } from './past.ts';
import type { AskDecisions } from './decisions.ts';

/** Without a question for so long, what earlier ones left in memory is forgotten. */
const FORGET_AFTER_MS = 300_000;
/** Decisions about one request id that workers are asked for; a client may use an id again. */
const SAME_ID_DECISIONS_MAX = 16;
/** Decisions that an export takes from the workers' memory: they are gathered while traffic waits. */
const EXPORTED_DECISIONS_MAX = 100;

export interface NodePastOptions {
  readonly node: {
    readonly journal: Journal;
    roster(): { readonly cluster: string };
    status(): { readonly node: string };
  };
  readonly observations: ObservationStore | null;
  readonly decisions: AskDecisions;
  /** Why the node does not dial a target now, for people; null where it does. */
  readonly refusalOfTarget: (target: string) => string | null;
}

/** Gives the past of a node, made when it is first asked for. */
export class NodePast {
  readonly #options: NodePastOptions;
  #past: Promise<Past> | null = null;
  #forgetting: NodeJS.Timeout | null = null;

  constructor(options: NodePastOptions) {
    this.#options = options;
  }

  get(): Promise<Past> {
    if (this.#forgetting !== null) clearTimeout(this.#forgetting);
    this.#forgetting = setTimeout(() => this.forget(), FORGET_AFTER_MS).unref();
    return (this.#past ??= this.#make());
  }

  /** Lets go of everything; the next question begins anew. */
  forget(): void {
    if (this.#forgetting !== null) clearTimeout(this.#forgetting);
    this.#forgetting = null;
    this.#past = null;
  }

  /** What answers is loaded with the first question: no start of a node waits for it. */
  async #make(): Promise<Past> {
    const { Past } = await import('./past.ts');
    const source = nodeReplaySource(this.#options);
    return new Past(source, {
      now: Date.now,
      findDecisions: (requestId) => this.#findDecisions(source, requestId),
      decisionSource: { ...source, observations: (query) => this.#withRemembered(source, query) },
      refusalOfTarget: this.#options.refusalOfTarget,
      unknownRequestAdvice: UNKNOWN_REQUEST_ADVICE,
    });
  }

  /** A worker's memory and the store may both have one: it is the same. */
  async #findDecisions(source: ReplaySource, requestId: string): Promise<FoundEvidence> {
    const query = { requestId, limit: SAME_ID_DECISIONS_MAX, withCandidates: true };
    const asked = await this.#options.decisions(query);
    const remembered = asked.outcome === 'found' ? asked.decisions : [];
    const { recordedDecisions } = await import('@muster/replay');
    const found = new Map<string, DecisionEvidence>();
    for (const evidence of await recordedDecisions(source, requestId)) found.set(keyOf(evidence), evidence);
    for (const { worker, ...decision } of remembered) {
      const evidence = { decision, worker, node: source.node };
      found.set(keyOf(evidence), evidence);
    }
    const decisions = [...found.values()].toSorted((a, b) => a.decision.timeMs - b.decision.timeMs);
    return { decisions, silentWorkers: asked.outcome === 'found' ? asked.silentWorkers : [] };
  }

  /** What is kept, and behind it the newest decisions that workers remember and that are not. */
  async *#withRemembered(source: ReplaySource, query: ObservationQuery = {}): AsyncGenerator<Observation, void> {
    const keptKeys = new Set<string>();
    for await (const observation of source.observations(query)) {
      if (observation.kind === 'decision') keptKeys.add(keyOf(observation));
      yield observation;
    }
    const asked = await this.#options.decisions({
      requestId: null,
      limit: EXPORTED_DECISIONS_MAX,
      withCandidates: true,
    });
    if (asked.outcome !== 'found') return;
    for (const { worker, ...decision } of asked.decisions.toReversed()) {
      const seen = { kind: 'decision', timeMs: decision.timeMs, worker, decision } as const;
      if (isWanted(seen, query) && !keptKeys.has(keyOf(seen))) yield seen;
    }
  }
}

const UNKNOWN_REQUEST_ADVICE =
  "each worker remembers its newest 1,024 requests; give the request's line in the access log instead (--line)";

function keyOf({ decision, worker }: Pick<DecisionEvidence, 'decision' | 'worker'>): string {
  return `${worker} ${decision.timeMs} ${decision.listener} ${decision.path}`;
}

/** The reading half of a node, as a source of the past. However fast a journal is read, the node has its turns meanwhile. */
function nodeReplaySource({ node, observations }: Pick<NodePastOptions, 'node' | 'observations'>): ReplaySource {
  const { journal } = node;
  const { cluster } = node.roster();
  const self = node.status().node;
  return {
    name: `the journal of node ${self}`,
    cluster,
    node: self,
    head: () => journal.head(),
    read: (options) => itemsInTurns(journal.read(options)),
    loadSnapshot: (atOrBefore) => journal.loadSnapshot(atOrBefore),
    observations: (query) => itemsInTurns(observations?.observations(query) ?? nothing()),
    observedSinceMs: async () => (await observations?.observedSinceMs()) ?? null,
  };
}

async function* nothing(): AsyncGenerator<never, void> {}
