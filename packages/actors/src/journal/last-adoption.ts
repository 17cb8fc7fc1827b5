/** Remembers that this node adopted another history: when, which, and by whose word; over restarts where there is a place for it. */
import { messageOf } from '@muster/membership';
import type { Adoption, AdoptionStore } from '../node-handle.ts';
import type { Logger } from '../ports.ts';

export class LastAdoption {
  readonly #store: AdoptionStore | null;
  readonly #log: Logger;
  #newest: Adoption | null = null;
  #saving: Promise<void> = Promise.resolve();

  constructor({ adoptionStore = null, log }: { readonly adoptionStore?: AdoptionStore | null; readonly log: Logger }) {
    this.#store = adoptionStore;
    this.#log = log;
    void this.#load();
  }

  /** Null for never, and until it has been read after a start. */
  get newest(): Adoption | null {
    return this.#newest;
  }

  note(adoption: Adoption): void {
    this.#newest = adoption;
    this.#saving = this.#saving.then(() => this.#save(adoption));
  }

  async #load(): Promise<void> {
    try {
      const loaded = (await this.#store?.load()) ?? null;
      // One of this process is newer.
      this.#newest ??= loaded;
    } catch (error) {
      this.#log.warn({ err: error }, `which history this node adopted before cannot be read: ${messageOf(error)}`);
    }
  }

  async #save(adoption: Adoption): Promise<void> {
    try {
      await this.#store?.save(adoption);
    } catch (error) {
      const text = `that history ${adoption.to} was adopted cannot be kept for after a restart: ${messageOf(error)}`;
      this.#log.warn({ err: error }, text);
    }
  }
}
