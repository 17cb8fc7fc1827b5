/**
 * The incident file: a piece of a cluster's history that can be sent to somebody who has neither its nodes nor its journal.
 *
 * It is gzip of JSON, one object a line, so that `zcat incident.muster | head` shows what is in it to whoever has no muster:
 *
 *     {"kind":"incident","format":1,"cluster":"demo","node":"lb-1",…}     who made it, and which span it covers
 *     {"kind":"snapshot","revision":1200,"hash":"9f86…","data":"…"}       the roster before the first event
 *     {"kind":"event","revision":1201,"timeMs":…,"payload":"…"}           the log
 *     {"kind":"snapshot",…}                                               again after every 50,000 events
 *     {"kind":"probe",…}  {"kind":"hash",…}  {"kind":"decision",…}        what the node observed
 *     {"kind":"index","parts":[…],…}                                      where each part begins, and its digest
 *     {"kind":"end",…}                                                    where the index begins, and its digest
 *     {"kind":"broken",…}                                                 in place of both: why there is no more of it
 *
 * gzip allows any number of members one behind the other. Each part is one, so that a reader takes out of a large file what it
 * needs and no more. The last one is stored without compression and has a fixed size: a reader begins there. Each part's digest
 * stands in the index, the index's at the end, and the parts follow one another without a gap, so that a changed, missing or
 * additional byte is noticed wherever it is. The digests are against accidents: they say nothing about who wrote the file.
 */
import { z } from 'zod';

/** Another one is refused. */
export const INCIDENT_FORMAT = 1;
/** Characters of a part before it is compressed, about; one line of any length fits. */
export const PART_CHARACTERS = 262_144;
/** Of one part, decompressed. A part that claims more is refused, and not believed. */
export const PART_BYTES_MAX = 536_870_912;
/** Of the last line, before it is stored; filled up with spaces. */
export const END_LINE_BYTES = 256;
/** Of the last member: a header of 10 bytes, a stored block of 5 and the line, a trailer of 8. */
export const END_BYTES = END_LINE_BYTES + 23;
/** In one file. More have no room in the memory that an export may take; a shorter span has them. */
export const INCIDENT_EVENTS_MAX = 5_000_000;

const revision = z.int().min(0);
const timeMs = z.number();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

export const incidentHeadSchema = z.strictObject({
  kind: z.literal('incident'),
  format: z.literal(INCIDENT_FORMAT),
  cluster: z.string().min(1).max(64),
  /** Whose observations these are. */
  node: z.string().min(1).max(64),
  epoch: z.string().max(200),
  /** When and by which program it was written. */
  madeMs: timeMs,
  program: z.string().max(100),
  /** The state before the first event is that at `fromRevision`; the last event is at `toRevision`, or before. */
  fromRevision: revision,
  fromMs: timeMs,
  toRevision: revision,
  toMs: timeMs,
  /** From when on the node's observations are complete; null where it had none. */
  observedSinceMs: timeMs.nullable(),
});
/** What a file says of itself at its beginning. */
export type IncidentHead = z.output<typeof incidentHeadSchema>;

export const snapshotLineSchema = z.strictObject({
  kind: z.literal('snapshot'),
  revision,
  hash: z.string().min(1).max(64),
  /** The text as `encodeSnapshot` wrote it. */
  data: z.string(),
});

const partSchema = z.strictObject({
  kind: z.enum(['head', 'snapshot', 'events', 'observations']),
  offset: count,
  bytes: count,
  sha256,
  /** Lines in it. */
  count,
  /** Of events and snapshots their revisions, of observations the least and the greatest of their times in ms; 0 elsewhere. */
  first: z.number(),
  last: z.number(),
});
export type IncidentPart = z.output<typeof partSchema>;

const incidentSummarySchema = z.strictObject({
  eventsCount: count,
  observationsCount: count,
  decisionsCount: count,
  /** Roster hashes that nodes recorded, and how many of them are what the log folds to. */
  hashPointsCount: count,
  agreedPointsCount: count,
  /** The first that is not, of each node; such a hash stands in the file as it was recorded. */
  disagreements: z.array(
    z.strictObject({ node: z.string(), revision, recordedHash: z.string(), foldedHash: z.string() }),
  ),
  /** Where secrets were taken out of events, as spans of revisions, both ends included; the newest only, where they are many. */
  redactedSpans: z.array(z.tuple([revision, revision])),
  redactedEventsCount: count,
  redactedObservationsCount: count,
  isSnapshotRedacted: z.boolean(),
});
/** What came to light while the file was written. */
export type IncidentSummary = z.output<typeof incidentSummarySchema>;

export const incidentIndexSchema = z.strictObject({
  kind: z.literal('index'),
  parts: z.array(partSchema).min(1),
  summary: incidentSummarySchema,
});
export type IncidentIndex = z.output<typeof incidentIndexSchema>;

export const incidentEndSchema = z.strictObject({
  kind: z.literal('end'),
  indexOffset: count,
  indexBytes: count,
  sha256,
});
export type IncidentEnd = z.output<typeof incidentEndSchema>;

/** What a file ends with that could not be written to its end: whoever wrote it knew why, and nobody else would. */
export const incidentBreakSchema = z.strictObject({ kind: z.literal('broken'), message: z.string() });
export type IncidentBreak = z.output<typeof incidentBreakSchema>;
