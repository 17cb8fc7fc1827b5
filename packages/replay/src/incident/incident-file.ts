/**
 * An incident file as a source of the past: every question that can be put to a node's journal can be put to it, with neither
 * node nor cluster.
 *
 * It is checked as a whole when it is opened. After that a question reads the parts that it needs; the last few stay decoded,
 * because whoever steps through a history comes by the same part again.
 */
import { JournalError, type Head, type ReadOptions, type StoredSnapshot } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import { isWanted, type Observation, type ObservationQuery } from '@muster/observations';
import type { ReplaySource } from '../log/replay-source.ts';
import { snapshotLineSchema, type IncidentHead, type IncidentPart, type IncidentSummary } from './incident-format.ts';
import { IncidentParts } from './incident-parts.ts';
import { eventOnLine, observationOnLine } from './record-checks.ts';

/** Decoded parts of events that are kept, each some thousand events or 1 MiB. */
const PARTS_KEPT = 8;

export interface Incident extends ReplaySource {
  readonly about: IncidentHead & IncidentSummary;
  close(): Promise<void>;
}

/** Opens a file that `writeIncident` made. Throws `ReplayError` `unreadable-file`, now or where a part turns out to make no sense. */
export async function openIncident(path: string): Promise<Incident> {
  return new IncidentFile(await IncidentParts.open(path));
}

class IncidentFile implements Incident {
  readonly name: string;
  readonly cluster: string;
  readonly node: string;
  readonly about: Incident['about'];
  readonly #parts: IncidentParts;
  readonly #eventParts: readonly IncidentPart[];
  /** The newest last. */
  readonly #decoded = new Map<IncidentPart, readonly RecordedEvent[]>();

  constructor(parts: IncidentParts) {
    const { head, index, path } = parts;
    this.name = path;
    this.cluster = head.cluster;
    this.node = head.node;
    this.about = { ...head, ...index.summary };
    this.#parts = parts;
    this.#eventParts = index.parts.filter(({ kind }) => kind === 'events');
  }

  async head(): Promise<Head> {
    const { epoch, fromRevision, toRevision } = this.about;
    return { epoch, revision: toRevision, firstRevision: fromRevision + 1 };
  }

  async *read({ fromRevision, fromTimeMs = 0, toRevision = Infinity }: ReadOptions = {}): AsyncGenerator<
    RecordedEvent,
    void
  > {
    const { fromRevision: before, toRevision: last } = this.about;
    const from = fromRevision ?? before + 1;
    if (from <= before) {
      const message = `${this.name} begins with the state at revision ${before}; event ${from} is not in it`;
      throw new JournalError('compacted', message);
    }
    const to = Math.min(toRevision, last);
    for (const part of this.#eventParts) {
      if (part.last < from) continue;
      if (part.first > to) return;
      for (const event of await this.#eventsOf(part)) {
        if (event.revision >= from && event.revision <= to && event.timeMs >= fromTimeMs) yield event;
      }
    }
  }

  async #eventsOf(part: IncidentPart): Promise<readonly RecordedEvent[]> {
    const kept = this.#decoded.get(part);
    const events = kept ?? (await this.#parts.lines(part)).map((line) => this.#event(line, part));
    this.#decoded.delete(part);
    this.#decoded.set(part, events);
    for (const oldest of this.#decoded.keys()) {
      if (this.#decoded.size <= PARTS_KEPT) break;
      this.#decoded.delete(oldest);
    }
    return events;
  }

  #event(line: unknown, part: IncidentPart): RecordedEvent {
    const event = eventOnLine(line);
    if (event === null) throw this.#parts.broken(part, 'a line is no event');
    return event;
  }

  async loadSnapshot(atOrBefore = Infinity): Promise<StoredSnapshot | null> {
    const part = this.#parts.index.parts.findLast(({ kind, first }) => kind === 'snapshot' && first <= atOrBefore);
    if (part === undefined) return null;
    const parsed = snapshotLineSchema.safeParse((await this.#parts.lines(part))[0]);
    if (!parsed.success) throw this.#parts.broken(part, parsed.error.issues[0]!.message);
    const { revision, hash, data } = parsed.data;
    return { epoch: this.about.epoch, revision, hash, data };
  }

  async *observations(query: ObservationQuery = {}): AsyncGenerator<Observation, void> {
    const { fromMs = -Infinity, toMs = Infinity, kinds } = query;
    for (const part of this.#parts.index.parts) {
      if (part.kind !== 'observations' || part.last < fromMs || part.first >= toMs) continue;
      for (const line of await this.#parts.lines(part)) {
        // Most lines are passed over by their kind alone, which costs a tenth of a check.
        if (!isOfKind(line, kinds)) continue;
        const observation = observationOnLine(line);
        if (typeof observation === 'string') throw this.#parts.broken(part, observation);
        if (isWanted(observation, query)) yield observation;
      }
    }
  }

  async observedSinceMs(): Promise<number | null> {
    return this.about.observedSinceMs;
  }

  close(): Promise<void> {
    return this.#parts.close();
  }
}

function isOfKind(line: unknown, kinds: ObservationQuery['kinds']): boolean {
  return kinds === undefined || kinds.some((kind) => kind === (line as { kind?: unknown } | null)?.kind);
}
