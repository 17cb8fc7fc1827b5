/** A node's place for its local snapshot, for tests: what is on it outlives the node. */
import type { StoredSnapshot } from '@muster/journal';
import type { LocalSnapshot } from '../src/ports.ts';

export class SimulatedDisk implements LocalSnapshot {
  stored: StoredSnapshot | null = null;
  savesCount = 0;
  isFull = false;

  load(): Promise<StoredSnapshot | null> {
    return Promise.resolve(this.stored);
  }

  save(snapshot: StoredSnapshot): Promise<void> {
    if (this.isFull) return Promise.reject(new Error('no space left on device'));
    this.stored = snapshot;
    this.savesCount += 1;
    return Promise.resolve();
  }
}
