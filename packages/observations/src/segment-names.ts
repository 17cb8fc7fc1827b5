/**
 * The names in a segment: what would be said again with every observation is said once, and then by its number.
 *
 * A probe in numbers takes 3 to 4 bytes of a compressed frame, and 9 with its names written out. Names come before the first frame
 * that needs them, in a frame of their own; a reader collects them from the start of the file. Where such a frame is damaged, only
 * the observations that need its names are lost.
 */

/** A backend at a target, a failure as code and reason, or a node's history: two or three texts. */
export type Name = readonly string[];

/** Beside its texts, a name is a key of a map and a place in a list. */
const NAME_CHARACTERS = 100;

/** The payload of a frame of names. */
export interface NamesBody {
  /** The number of the first. */
  readonly from: number;
  readonly names: readonly Name[];
}

/** The writer's side. */
export class SegmentNames {
  /** Names that are in the file already. Set to 0 where they are to be written again: the file is another one. */
  writtenCount = 0;
  /** About what all names take in memory, written or not. */
  characters = 0;
  readonly #names: Name[] = [];
  readonly #numberByKey = new Map<string, number>();

  /** How many there are, written or not. */
  get count(): number {
    return this.#names.length;
  }

  backend(pool: string, backend: string, target: string): number {
    const key = `${pool}/${backend} ${target}`;
    return this.#numberByKey.get(key) ?? this.#take(key, [pool, backend, target]);
  }

  failure(code: string, reason: string): number {
    const key = `!${code} ${reason}`;
    return this.#numberByKey.get(key) ?? this.#take(key, [code, reason]);
  }

  history(node: string, epoch: string): number {
    const key = `@${node} ${epoch}`;
    return this.#numberByKey.get(key) ?? this.#take(key, [node, epoch]);
  }

  /** The ones among the first `count` names that are not in the file yet; null where all are. */
  unwritten(count: number): NamesBody | null {
    if (this.writtenCount >= count) return null;
    return { from: this.writtenCount, names: this.#names.slice(this.writtenCount, count) };
  }

  #take(key: string, name: Name): number {
    const number = this.#names.length;
    this.#names.push(name);
    this.characters += NAME_CHARACTERS + 2 * key.length;
    this.#numberByKey.set(key, number);
    return number;
  }
}

/** The reader's side. */
export class ReadNames {
  readonly #names: (Name | undefined)[] = [];

  add({ from, names }: NamesBody): void {
    for (const [index, name] of names.entries()) this.#names[from + index] = name;
  }

  /** Undefined where the frame that said it is damaged. */
  at(number: number): Name | undefined {
    return this.#names[number];
  }
}
