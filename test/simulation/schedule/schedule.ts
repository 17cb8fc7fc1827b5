/**
 * A schedule: what happens in a run, step by step. `generate.ts` makes one from a seed. Plain data, so that it can be printed, shortened and run
 * again; every part of it can be left out and the rest still makes sense.
 */
import type { CommandInput, MembershipEventInput } from '@muster/membership';

/**
 * What the target behind a backend does with what reaches it:
 *
 *     answering   takes connections, answers requests, passes probes
 *     failing     takes connections, answers 500
 *     dropping    takes connections, and resets them when a request has come
 *     refusing    refuses connections
 *     silent      nothing comes back
 */
export const TARGET_STATES = ['answering', 'failing', 'dropping', 'refusing', 'silent'] as const;
export type TargetState = (typeof TARGET_STATES)[number];

export type Action =
  /** Somebody publishes an event, once or (its answer was lost) twice under one id. */
  | {
      readonly kind: 'publish';
      readonly entity: string;
      readonly event: MembershipEventInput | object;
      readonly times: 1 | 2;
    }
  /** Somebody asks a node to do something. */
  | { readonly kind: 'command'; readonly node: string; readonly command: CommandInput }
  /** `disk`: the machine is replaced by one with an empty disk. */
  | { readonly kind: 'crash'; readonly node: string; readonly what: 'control' | 'machine' | 'disk' }
  /** A second machine that is called after a node, with a disk and paths of its own. */
  | { readonly kind: 'twin'; readonly node: string; readonly what: 'start' | 'kill' }
  /** The server that a node is on is cut off from the others, which is noticed by nobody, or is with them again. */
  | { readonly kind: 'server'; readonly node: string; readonly isAlone: boolean }
  | { readonly kind: 'start'; readonly node: string }
  | { readonly kind: 'stop'; readonly node: string; readonly drainTimeoutMs: number }
  | {
      readonly kind: 'worker';
      readonly node: string;
      readonly index: number;
      readonly what: 'kill' | 'stall' | 'resume';
    }
  /** A node's way to the journal. */
  | {
      readonly kind: 'path';
      readonly node: string;
      readonly state: 'whole' | 'cut' | 'silent';
      readonly answers: 'given' | 'lost' | 'unsent';
      readonly appendMs: number;
      readonly followMs: number;
    }
  /**
   * Deleted, and made again or not; made again by somebody who knows of one pool alone; the one before put back; what lies before its
   * snapshot removed, or everything without a snapshot; a snapshot that cannot be read; a stream that was edited by hand so that it
   * may lose events.
   */
  | {
      readonly kind: 'journal';
      readonly what:
        'made-again' | 'made-poor' | 'gone' | 'put-back' | 'log-cut' | 'purged' | 'snapshot-damaged' | 'edited';
      readonly isDeclared: boolean;
    }
  /** A person tells a node to take the journal as it is. */
  | { readonly kind: 'adopt'; readonly node: string }
  | { readonly kind: 'wire'; readonly node: string; readonly state: 'whole' | 'cut' | 'swallowing' }
  /**
   * A route between two servers is cut, or is whole again: live words of a node, or of all members (`MEMBERS`), do not reach one node,
   * which hears all others and the journal's leader. One direction at a time.
   */
  | { readonly kind: 'route'; readonly from: string; readonly to: string; readonly isCut: boolean }
  /** What becomes of live words, on all wires. */
  | { readonly kind: 'words'; readonly delayMs: number; readonly lostRatio: number; readonly doubledRatio: number }
  /** A node that nobody knows announces another hash than the journal's newest revision has. */
  | { readonly kind: 'false-voice' }
  /** Everything stands still for so long, as when the host of all machines is paused; timers are late afterwards. */
  | { readonly kind: 'stand-still'; readonly durationMs: number }
  /** What a machine cannot do for a while: write to its disk, or bind an address. */
  | {
      readonly kind: 'hindrance';
      readonly node: string;
      readonly isDiskFull: boolean;
      readonly takenBind: string | null;
    }
  /** A machine's wall clock is set. */
  | { readonly kind: 'clock'; readonly node: string; readonly byMs: number }
  | {
      readonly kind: 'target';
      readonly target: string;
      readonly state: TargetState;
      readonly dialMs: number;
      readonly answerMs: number;
      /** Its process died: open connections are reset. */
      readonly isReset: boolean;
    }
  | { readonly kind: 'reach'; readonly node: string; readonly target: string; readonly isReachable: boolean }
  /** A member of a pool with a lease, which sends heartbeats or has fallen silent. */
  | { readonly kind: 'member'; readonly pool: string; readonly target: string; readonly isSpeaking: boolean }
  /** Clients: how many of each ask, on all listeners of a node. */
  | {
      readonly kind: 'traffic';
      readonly node: string;
      readonly gets: number;
      readonly posts: number;
      readonly relays: number;
    }
  | { readonly kind: 'wait' };

export interface Step {
  readonly action: Action;
  /** Time that passes after it. */
  readonly thenMs: number;
}

export interface Schedule {
  readonly seed: number;
  readonly nodes: number;
  /** Of each node. */
  readonly workers: number;
  readonly steps: readonly Step[];
}

/** The place where all members speak, beside those of the nodes. */
export const MEMBERS = 'members';

export const nodeName = (index: number): string => `lb-${index + 1}`;
