/** Names by the system's resolver, without a cache. */
import { lookup } from 'node:dns';
import type { NameResolver, NameWait, Resolution } from './name-resolver.ts';

export class CachingResolver implements NameResolver {
  known(): Resolution | null {
    return null;
  }

  wait(name: string, onResolved: (resolution: Resolution) => void): NameWait {
    let isClosed = false;
    lookup(name, { all: true }, (error, found) => {
      if (isClosed) return;
      if (error === null) onResolved({ ok: true, addresses: found.map(({ address }) => address) });
      else onResolved({ ok: false, code: error.code ?? 'ENOTFOUND' });
    });
    return { close: () => void (isClosed = true) };
  }
}
