/**
 * What a dialler asks for the addresses of a host name. The one in use is `CachingResolver`; a simulation gives its own.
 */

/** What is known of a name. */
export type Resolution =
  /** At least one literal IP address, in the order in which they are to be tried. */
  | { readonly ok: true; readonly addresses: readonly string[] }
  /** `code` is one of `connect-failure.ts`, such as ENOTFOUND. */
  | { readonly ok: false; readonly code: string };

/** A question that is waited for, or a name that is watched. */
export interface NameWait {
  /** Nothing is told after it. The question itself goes on, for whoever else waits for it. May be repeated. */
  close(): void;
}

export interface NameResolver {
  /** What can be used at once; null where an answer must be waited for. */
  known(name: string): Resolution | null;
  /** Asks, or waits with those who have asked already. `onResolved` is never called within the call. */
  wait(name: string, onResolved: (resolution: Resolution) => void): NameWait;
  /** Asks again whenever the TTL is over, as long as it is needed, and tells of every change. */
  watch(name: string, watcher: NameWatcher): NameWait;
}

/** Somebody to whom connections of a name's addresses belong: nobody else would ask while they last. */
export interface NameWatcher {
  /** Whether there is anything for which a change would matter; asked once for each TTL. */
  isNeeded(): boolean;
  /** Other addresses than before; the first ones too. At least one. */
  onChanged(addresses: readonly string[]): void;
}
