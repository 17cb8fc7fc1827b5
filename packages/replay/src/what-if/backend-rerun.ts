/**
 * One backend's recorded probing, run through twice at once: as it was (`RecordedProber`, which checks itself) and as it would have been
 * (`ImaginedProber`). Pure; what it keeps does not grow with the number of probes.
 */
import type { Health } from '@muster/membership';
import type { Observation } from '@muster/observations';
import { HealthCourse, type Flip } from './health-course.ts';
import type { HealthSettings } from './health-settings.ts';
import { ImaginedProber } from './imagined-prober.ts';
import { isDifference, RecordedProber, type Difference } from './recorded-prober.ts';

/** What was not kept: between these two moments anything may have happened. Ms since 1970, both inclusive. */
export interface Unseen {
  readonly fromMs: number;
  readonly toMs: number;
}

export type ProbingObservation = Extract<
  Observation,
  { readonly kind: 'probing-began' | 'probing-state' | 'probing-ended' | 'probe' | 'turned' }
>;

export interface RerunOptions {
  readonly settings: HealthSettings;
  /** Flips are told and times counted from here on; what comes before only leads there. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
}

export class BackendRerun {
  readonly happened: HealthCourse;
  readonly otherwise: HealthCourse;
  /** All flips that were seen, those before `fromMs` included: what the journal's facts are compared with. */
  readonly seen: Flip[] = [];
  /** What it was thought to be, from when on: at each beginning and each flip. */
  readonly standings: { readonly timeMs: number; readonly health: Health }[] = [];
  readonly unseen: Unseen[] = [];
  /** When nobody probed it, as far as was kept. */
  readonly idle: Unseen[] = [];
  /** Probes that were made and judged, from `fromMs` on. */
  probesCount = 0;
  /** The first thing that is not as its probes make it; null for none. */
  difference: Difference | null = null;
  readonly #options: RerunOptions;
  readonly #recorded = new RecordedProber();
  readonly imagined: ImaginedProber;
  #isProbed = false;
  #idleSinceMs = -Infinity;
  #seenMs = -Infinity;
  /** Null while it is known what the prober thinks, or nobody probes. */
  #unknownSinceMs: number | null = null;

  constructor(options: RerunOptions) {
    this.#options = options;
    this.happened = new HealthCourse(options);
    this.otherwise = new HealthCourse(options);
    this.imagined = new ImaginedProber(options);
  }

  /** When the newest thing was seen, ms since 1970. */
  get seenMs(): number {
    return this.#seenMs;
  }

  take(observation: ProbingObservation): void {
    // What it began with is not there any more.
    if (this.#seenMs === -Infinity && observation.kind !== 'probing-began') this.#unknownSinceMs = -Infinity;
    switch (observation.kind) {
      case 'probing-began':
        this.#began(observation);
        break;
      case 'probing-state':
        this.#said(observation);
        break;
      case 'probing-ended':
        this.#ended(observation.timeMs);
        break;
      case 'probe':
        this.#probed(observation);
        break;
      case 'turned':
        this.#note(this.#recorded.turned(observation));
        break;
    }
    this.#seenMs = observation.timeMs;
  }

  /** Observations were lost, perhaps of this backend. */
  lost({ fromMs, toMs }: Unseen): void {
    this.#forget(Math.min(fromMs, this.#seenMs), toMs);
  }

  /** Nothing more comes: everything up to `timeMs` has been seen. */
  finish(timeMs: number): void {
    if (this.#unknownSinceMs !== null) this.unseen.push({ fromMs: this.#unknownSinceMs, toMs: Infinity });
    else if (this.#isProbed) this.#goOn(timeMs);
    this.happened.end(timeMs);
    this.otherwise.end(timeMs);
  }

  #began(observation: Extract<ProbingObservation, { kind: 'probing-began' }>): void {
    const { timeMs } = observation;
    // Without a word about the end of the one before, the node was killed.
    if (this.#isProbed) this.unseen.push({ fromMs: this.#seenMs, toMs: timeMs });
    else this.idle.push({ fromMs: this.#idleSinceMs, toMs: timeMs });
    const { isCarriedOver } = this.#recorded.began(observation);
    this.imagined.begin(this.#recorded.known!, { isCarriedOver });
    this.#resume(timeMs);
  }

  /** What it said is believed, whatever its probes came to. */
  #said(observation: Extract<ProbingObservation, { kind: 'probing-state' }>): void {
    this.#note(this.#recorded.said(observation));
    if (this.#unknownSinceMs === null) return;
    this.#recorded.said(observation);
    this.imagined.begin(this.#recorded.known!, { isCarriedOver: false });
    this.#resume(observation.timeMs);
  }

  #resume(timeMs: number): void {
    const { health } = this.#recorded.known!.judgement;
    if (this.#unknownSinceMs !== null) this.unseen.push({ fromMs: this.#unknownSinceMs, toMs: timeMs });
    this.#unknownSinceMs = null;
    this.#isProbed = true;
    this.standings.push({ timeMs, health });
    this.happened.begin(timeMs, health);
    this.otherwise.begin(timeMs, this.imagined.judgement!.health);
  }

  #ended(timeMs: number): void {
    this.#note(this.#recorded.ended(timeMs));
    this.#goOn(timeMs);
    this.#isProbed = false;
    this.#idleSinceMs = timeMs;
    this.happened.end(timeMs);
    this.otherwise.end(timeMs);
  }

  #probed(probe: Extract<ProbingObservation, { kind: 'probe' }>): void {
    const outcome = this.#recorded.probed(probe);
    if (this.#recorded.known !== null && probe.timeMs >= this.#options.fromMs) this.probesCount += 1;
    if (outcome !== null && isDifference(outcome)) this.#note(outcome);
    else if (outcome !== null) {
      this.seen.push(outcome);
      this.standings.push(outcome);
      this.happened.turn(outcome);
    }
    const { known } = this.#recorded;
    if (known !== null) for (const flip of this.imagined.probed(probe, known)) this.otherwise.turn(flip);
  }

  #goOn(timeMs: number): void {
    for (const flip of this.imagined.goOn(timeMs, null)) this.otherwise.turn(flip);
  }

  /** Before the time that is asked about, a difference only means that not everything is known yet. */
  #note(difference: Difference | null): void {
    if (difference === null) return;
    if (difference.timeMs >= this.#options.fromMs) this.difference ??= difference;
    else this.#forget(this.#seenMs, difference.timeMs);
  }

  /** `toMs`: at least until then nothing is known. */
  #forget(fromMs: number, toMs: number): void {
    this.unseen.push({ fromMs, toMs });
    this.#unknownSinceMs ??= fromMs;
    this.#recorded.lost();
    this.imagined.lost();
    this.happened.end(fromMs);
    this.otherwise.end(fromMs);
  }
}
