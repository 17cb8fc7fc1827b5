/** How often what happened in a fuzzer's run: to be printed, and to show that its cases were not all of one kind. */

export class Tally {
  readonly #counts = new Map<string, number>();

  count(what: string): void {
    this.#counts.set(what, this.of(what) + 1);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** The most frequent first. */
  print(title: string): void {
    const sorted = [...this.#counts].sort(([, a], [, b]) => b - a);
    const lines = sorted.map(([what, count]) => `  ${String(count).padStart(8)}  ${what}`);
    // oxlint-disable-next-line no-console -- The seed and what it led to belong in a run's output.
    console.log([title, ...lines].join('\n'));
  }
}
