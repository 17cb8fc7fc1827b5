/**
 * /etc/resolv.conf: which servers are asked, and under which names.
 *
 *     nameserver 10.96.0.10
 *     search shop.svc.cluster.local svc.cluster.local cluster.local
 *     options ndots:5
 *
 * `nameserver`, `search`, `domain` and `options ndots` are read; other options are not, since time limits are settings of our own.
 */
import { isIP } from 'node:net';

export interface ResolvConf {
  /** At most 3, as in the system's own resolver; without any, the one of this host. */
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
}

const SERVERS_MAX = 3;
/** As in glibc before 2.26; a name costs a question of each. */
const SEARCH_MAX = 6;
const NDOTS_MAX = 15;
const LOCAL_SERVER = '127.0.0.1';

export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword = '', ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && isIP(values[0] ?? '') !== 0) servers.push(values[0]!);
    // The last of `search` and `domain` counts.
    if (keyword === 'search' || keyword === 'domain') search = values;
    if (keyword === 'options') ndots = ndotsIn(values) ?? ndots;
  }
  return {
    servers: servers.length > 0 ? servers.slice(0, SERVERS_MAX) : [LOCAL_SERVER],
    search: search
      .map((domain) => domain.replace(/\.$/, '').toLowerCase())
      .filter((domain) => domain !== '')
      .slice(0, SEARCH_MAX),
    ndots,
  };
}

function ndotsIn(options: readonly string[]): number | null {
  for (const option of options) {
    const found = /^ndots:(\d{1,3})$/.exec(option);
    if (found !== null) return Math.min(Number(found[1]), NDOTS_MAX);
  }
  return null;
}

/**
 * The names under which `name` is asked for, in order: with enough dots as it is first, else last; with a dot at its end as it is and
 * nothing else.
 *
 *     svc.shop, ndots 5 ──► svc.shop.shop.svc.cluster.local, svc.shop.svc.cluster.local, svc.shop.cluster.local, svc.shop
 */
export function searchedNames(name: string, { search, ndots }: Pick<ResolvConf, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const expanded = search.map((domain) => `${name}.${domain}`).filter(({ length }) => length <= NAME_LENGTH_MAX);
  return dots >= ndots ? [name, ...expanded] : [...expanded, name];
}

const NAME_LENGTH_MAX = 253;
