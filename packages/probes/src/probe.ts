/**
 * What a probe is: ONE attempt to find out whether a target answers. It ends by itself within its timeout, leaves no
 * handle behind, and never throws for what the world did.
 *
 * Deliberately not here: intervals, jitter, rise and fall. They are policy, and belong to whoever starts the probes.
 */

import type { Address } from '@muster/membership';
import type { ConnectFailureKind, Dialler } from '@muster/transport';

/**
 * Why a probe did not pass.
 *
 * `local_fault` means that this machine had no port, file handle or permission left for the attempt: it says nothing
 * about the target. `aborted` means that the caller took the probe back, and is not a finding either.
 */
export type ProbeFailureCode =
  | ConnectFailureKind
  /** The connection ended before the answer did. */
  | 'closed_early'
  | 'no_answer'
  | 'not_http'
  /** The answer is HTTP, and one that traffic refuses too. */
  | 'bad_answer'
  | 'status_unexpected'
  | 'aborted';

/** The finding; `durationMs` is counted from the start of the attempt, with fractions. */
export type ProbeOutcome =
  | { readonly passed: true; readonly durationMs: number }
  | {
      readonly passed: false;
      readonly code: ProbeFailureCode;
      /** For people, without the target's name, e.g. `connection refused`, `status 503`, `no answer in 2 s`. */
      readonly reason: string;
      readonly durationMs: number;
    };

/** A probe under way. A handle and not an `AbortSignal`, whose listeners would cost as much as the socket's own work. */
export interface Probe {
  /** Never rejects. */
  readonly outcome: Promise<ProbeOutcome>;
  /** Ends the attempt at once with the code `aborted`; does nothing when it has ended already. */
  abort(): void;
}

export interface ProbeOptions {
  /** The way to the target, with its resolver and its guard. */
  readonly dialler: Dialler;
  /** What `parseTarget` made of a backend's target. */
  readonly target: Address;
  /** For the whole attempt, name look-up included; 1 or more. */
  readonly timeoutMs: number;
}
