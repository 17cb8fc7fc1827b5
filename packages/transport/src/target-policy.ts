/**
 * Which targets a node may dial, as its operator says it. Whoever may publish a backend names its target, and a node reaches what the
 * publisher cannot: other services on the node's own loopback, the metadata service of its cloud, sockets in its file system.
 *
 *     deny ──► refused        allow ──► dialled        only (where given) ──► dialled, all else refused
 *                             nothing of these: dialled, save what is near the node and the journal is shared
 *
 * A rule is a range of addresses, of ports, of both, or a folder of Unix sockets:
 *
 *     10.0.0.0/8    10.0.0.0/8:8000-8999    127.0.0.1:8001    [fd00::/8]:443    *:443    *    unix:/run/apps
 */
import { isInAny, parseCidr, type Address, type Cidr } from '@muster/membership';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

export interface TargetPolicy {
  readonly allow: readonly string[];
  /** Null: no such limit. */
  readonly only: readonly string[] | null;
  readonly deny: readonly string[];
  /** Whether loopback, link-local and metadata addresses and Unix sockets need a rule that allows them. */
  readonly isNearGuarded: boolean;
}

type TargetRule =
  | { readonly kind: 'tcp'; readonly range: Cidr | null; readonly from: number; readonly to: number }
  | { readonly kind: 'unix'; readonly folder: string };

export const TARGET_RULE_FORM =
  'a rule is CIDR, CIDR:PORTS, [IPV6CIDR]:PORTS, *:PORTS or unix:/FOLDER, for example 10.0.0.0/8:8000-8999';

/** Null for text that is no rule. */
export function parseTargetRule(text: string): TargetRule | null {
  if (text.startsWith('unix:/')) return { kind: 'unix', folder: resolve(text.slice('unix:'.length)) };
  const [, bracketed, bare, ports] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([0-9-]+))?$/.exec(text) ?? [];
  // An IPv6 range without ports needs no brackets.
  const host = bracketed ?? bare ?? text;
  const range = host === '*' ? null : parseCidr(host);
  const span = ports === undefined ? { from: 1, to: 65_535 } : parsePorts(ports);
  if (span === null || (range === null && host !== '*')) return null;
  return { kind: 'tcp', range, ...span };
}

function parsePorts(text: string): { readonly from: number; readonly to: number } | null {
  const [, first, last = first] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  return from >= 1 && from <= to && to <= 65_535 ? { from, to } : null;
}

const NEAR: readonly (readonly [name: string, ranges: readonly Cidr[]])[] = (
  [
    ['a loopback address', ['127.0.0.0/8', '::1', '0.0.0.0/8', '::']],
    ['a link-local address', ['169.254.0.0/16', 'fe80::/10']],
    // Of AWS over IPv6, Alibaba, Oracle and Azure; the others' are link-local.
    ['the address of a metadata service', ['fd00:ec2::/32', '100.100.100.200', '192.0.0.192', '168.63.129.16']],
  ] as const
).map(([name, ranges]) => [name, ranges.map((text) => parseCidr(text)!)]);

export class TargetRules {
  readonly #allow: readonly TargetRule[];
  readonly #only: readonly TargetRule[] | null;
  readonly #deny: readonly TargetRule[];
  readonly #isNearGuarded: boolean;

  /** Throws a `RangeError` for a rule that is none, which the config should have refused. */
  constructor({ allow, only, deny, isNearGuarded }: TargetPolicy) {
    this.#allow = allow.map(ruleOf);
    this.#only = only?.map(ruleOf) ?? null;
    this.#deny = deny.map(ruleOf);
    this.#isNearGuarded = isNearGuarded;
  }

  /** Why an address may not be dialled, for people, with what to set; null where it may. */
  refusalOf(address: Address): string | null {
    const isIn = matcherOf(address);
    if (this.#deny.some(isIn)) return 'node.targets.deny forbids it';
    if (this.#allow.some(isIn) || this.#only?.some(isIn) === true) return null;
    if (this.#only !== null) return 'node.targets.only does not name it';
    if (!this.#isNearGuarded) return null;
    const near = nearOf(address);
    if (near === null) return null;
    const rule = address.kind === 'unix' ? `unix:${dirname(address.path)}` : ruleText(address);
    return `it is ${near}, which publishers of a shared journal may name only where the node says allow = ["${rule}"] under [node.targets]`;
  }
}

function ruleOf(text: string): TargetRule {
  const rule = parseTargetRule(text);
  if (rule === null) throw new RangeError(`"${text}" is no rule; ${TARGET_RULE_FORM}`);
  return rule;
}

function matcherOf(address: Address): (rule: TargetRule) => boolean {
  if (address.kind === 'unix') {
    const path = realPath(address.path);
    return (rule) => rule.kind === 'unix' && isWithin(path, realPath(rule.folder));
  }
  const { host, port } = address;
  return (rule) =>
    rule.kind === 'tcp' && rule.from <= port && port <= rule.to && (rule.range === null || isInAny([rule.range], host));
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** Where a path leads, links and dots resolved as far as there is something. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(path);
    return folder === path ? path : join(realPath(folder), basename(path));
  }
}

function nearOf(address: Address): string | null {
  if (address.kind === 'unix') return 'a Unix socket';
  return NEAR.find(([, ranges]) => isInAny(ranges, address.host))?.[0] ?? null;
}

function ruleText({ host, port }: Address & { kind: 'tcp' }): string {
  const bare = host.replace(/%.*$/, '');
  return bare.includes(':') ? `[${bare}]:${port}` : `${bare}:${port}`;
}
