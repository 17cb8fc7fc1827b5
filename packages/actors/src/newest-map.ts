/**
 * A map that holds the newest entries, at most `countMax`: the limit of whatever a node remembers of what others say.
 *
 * An entry that is set again is the newest again. O(1): a map keeps its keys in the order in which they were put in.
 */
export class NewestMap<Key, Value> extends Map<Key, Value> {
  readonly #countMax: number;

  /** `countMax`: 1 or more. */
  constructor(countMax: number) {
    super();
    this.#countMax = countMax;
  }

  /** Puts an entry in as the newest, and forgets the oldest where that is one too many. */
  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    if (this.size <= this.#countMax) return this;
    for (const oldest of this.keys()) {
      this.delete(oldest);
      break;
    }
    return this;
  }
}
