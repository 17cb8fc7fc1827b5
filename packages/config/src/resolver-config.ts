/** The `[resolver]` table: how the node's processes look up host names. What is left out is as `RESOLVER_DEFAULTS` says. */
import { isIP, isIPv6 } from 'node:net';
import type { ResolverSettings } from '@muster/transport';
import type { ConfigFile } from './config-schema.ts';
import type { Fault } from './declared-roster.ts';

/** The config is meaningful only where `faults` is empty. */
export function resolverConfig(table: ConfigFile['resolver']): {
  readonly config: Partial<ResolverSettings>;
  readonly faults: readonly Fault[];
} {
  const faults: Fault[] = (table.servers ?? []).flatMap((server, index) =>
    isServerAddress(server)
      ? []
      : [
          {
            path: ['resolver', 'servers', index],
            what: `"${server}" is no address of a name server`,
            fix: 'write IP, IP:PORT or [IPV6]:PORT, for example "10.96.0.10"',
          },
        ],
  );
  const { minTtlMs, maxTtlMs } = table;
  if (minTtlMs !== undefined && maxTtlMs !== undefined && minTtlMs > maxTtlMs) {
    const what = `minTtlMs (${minTtlMs}) is more than maxTtlMs (${maxTtlMs})`;
    faults.push({ path: ['resolver', 'minTtlMs'], what, fix: 'an answer cannot be kept for at least the longer time' });
  }
  // What was left out of the table is no key of it, so it overrides no default.
  return { config: table as Partial<ResolverSettings>, faults };
}

function isServerAddress(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):([1-9]\d{0,4})$/.exec(text);
  if (parts === null) return false;
  const [, six, four, port] = parts;
  return Number(port) <= 65_535 && (six === undefined ? isIP(four!) === 4 : isIPv6(six));
}
