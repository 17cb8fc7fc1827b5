/**
 * The routes between servers that the schedule has cut: whose live words do not reach which node. The journal is not touched, since its
 * leader is on a server that has routes to both.
 */
import type { WireEnd } from '@muster/actors/testing';
import { MEMBERS, type Action } from '../schedule/schedule.ts';
import type { SimulatedMachine } from './machine.ts';

export interface RoutesOptions {
  /** Where all members speak. */
  readonly memberEnd: WireEnd;
  readonly machines: () => readonly SimulatedMachine[];
}

export class Routes {
  readonly #options: RoutesOptions;
  /** As `members>lb-1`. */
  readonly #cut = new Set<string>();

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  set({ from, to, isCut }: Pick<Extract<Action, { kind: 'route' }>, 'from' | 'to' | 'isCut'>): void {
    // Two machines of one name are on one server.
    if (from === to) return;
    if (isCut) this.#cut.add(`${from}>${to}`);
    else this.#cut.delete(`${from}>${to}`);
  }

  mend(): void {
    this.#cut.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  readonly isCutBetween = (from: WireEnd, to: WireEnd): boolean =>
    this.#cut.size > 0 && this.isCut(this.#placeOf(from), this.#placeOf(to));

  /** The name of the machine whose end it is; for an ear of the simulation's own, nothing. */
  #placeOf(end: WireEnd): string {
    if (end === this.#options.memberEnd) return MEMBERS;
    return this.#options.machines().find(({ process }) => process?.end === end)?.name ?? '';
  }
}
