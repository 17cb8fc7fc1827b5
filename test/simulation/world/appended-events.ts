/** What is judged in the moment in which a node's event is stored, because it is about what was the case just then. */
import type { SimulatedWire } from '@muster/actors/testing';
import type { Report } from './finding.ts';
import type { Appended } from './journal-link.ts';
import type { NodeProcess, SimulatedMachine } from './machine.ts';
import { EndedLeases } from './ended-leases.ts';
import { OneVoice } from './one-voice.ts';
import type { Routes } from './routes.ts';

/** A word that takes longer may come too late for whoever listens. */
const MOMENT_MS = 300;

export interface AppendedEventsOptions {
  readonly report: Report;
  readonly wire: SimulatedWire;
  readonly leaseMs: { readonly member: number; readonly node: number };
  readonly machines: () => readonly SimulatedMachine[];
  readonly routes: Routes;
}

export class AppendedEvents {
  readonly #options: AppendedEventsOptions;
  readonly #endedLeases: EndedLeases;
  readonly #oneVoice: OneVoice;
  #areWordsSound = true;
  /** Since when every word reaches everybody, by the simulation's clock; null while one may not. */
  #calmSinceMs: number | null = 0;

  constructor(options: AppendedEventsOptions) {
    this.#options = options;
    this.#endedLeases = new EndedLeases(options.report, options);
    this.#oneVoice = new OneVoice(options.report);
  }

  judge(process: NodeProcess, appended: Appended): void {
    const { machine } = process;
    this.#endedLeases.judge(machine, appended);
    this.#oneVoice.judge(process, appended, { nowMs: this.#nowMs(), calmSinceMs: this.#calmSinceMs });
    const { history, event, headAnsweredMs } = appended;
    if (history.unfit !== null && headAnsweredMs > history.unfitSinceMs)
      this.#options.report('I7', `${machine.name} appends ${event.subject} to a stream that may lose it`);
  }

  wordsChanged({ delayMs, lostRatio }: { readonly delayMs: number; readonly lostRatio: number }): void {
    this.#endedLeases.wordsAreLost(lostRatio > 0, this.#nowMs());
    this.#areWordsSound = lostRatio === 0 && delayMs < MOMENT_MS;
    this.wiresChanged();
  }

  wiresChanged(): void {
    const machines = this.#options.machines();
    const isCalm = machines.every(({ wireState, path }) => wireState === 'whole' && path.alone === null);
    if (!isCalm || !this.#areWordsSound) this.#calmSinceMs = null;
    else this.#calmSinceMs ??= this.#nowMs();
  }

  /** Everything goes on after it had stood still. */
  wentOn(): void {
    if (this.#calmSinceMs !== null) this.#calmSinceMs = this.#nowMs();
  }

  #nowMs(): number {
    return this.#options.wire.clock.elapsedMs();
  }
}
