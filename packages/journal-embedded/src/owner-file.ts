/**
 * A small file beside the journal that names the process which holds it, for the message that refuses a second one.
 *
 * It is no lock. SQLite's lock is the truth, and the kernel frees that with the process; after kill -9 this file stays
 * and names a process that is gone, which hurts nobody: it is read only when the lock is taken, and then its writer is
 * the one that took it, or is about to overwrite it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

export class OwnerFile {
  readonly #path: string;

  constructor(journalPath: string) {
    this.#path = `${journalPath}.owner`;
  }

  claim(): void {
    // The mode counts for a new file only, and one may have been left by a process that was killed.
    rmSync(this.#path, { force: true });
    writeFileSync(this.#path, `${process.pid}\n`, { mode: 0o600 });
  }

  /** The process that holds the journal, or null when that cannot be told. */
  read(): number | null {
    try {
      const pid = Number(readFileSync(this.#path, 'utf8'));
      return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
    } catch {
      // No file, or one that is not ours to read. The refusal is then made without a pid.
      return null;
    }
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }
}
