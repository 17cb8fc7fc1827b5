/**
 * Asks for a name where the system would: /etc/hosts first, then the name servers, under each of the names that the search list makes.
 *
 * c-ares does the talking (`dns.Resolver`): random ids and ports, TCP where an answer is too long for UDP, the next server where one is
 * silent. It needs none of the four threads that `dns.lookup` waits for, which is why one slow name used to take down all others.
 * What the system's resolver has besides is not supported: mDNS, NIS, `myhostname`, and numbers that are no addresses (`127.1`).
 *
 * A and AAAA are asked for side by side. Once one of them has brought addresses, the other has 50 ms to come too (RFC 8305, 3); what
 * comes later is told then. Many servers never answer for AAAA.
 */
import { Resolver, type RecordWithTtl } from 'node:dns';
import { NONE_CODES, SPOKEN_FAILURES, askFamily, type FamilyAnswer } from './family-question.ts';
import type { DialClock } from './resolver-settings.ts';
import { hostAddresses, parseHosts, type HostsTable } from './hosts-file.ts';
import { interleaved, type NameAnswer, type NameSource } from './name-source.ts';
import { parseResolvConf, searchedNames, type ResolvConf } from './resolv-conf.ts';
import { RESOLVER_LIMITS, type ResolverSettings } from './resolver-settings.ts';
import { SystemFile } from './system-file.ts';

/** RFC 8305, 3. */
const RESOLUTION_DELAY_MS = 50;
/** The hosts file has no TTL: it is looked at so often for a name in use. */
const HOSTS_TTL_MS = 5_000;

export interface NameServersOptions {
  readonly settings: ResolverSettings;
  readonly clock: DialClock;
  /** Default: /etc/hosts. */
  readonly hostsPath?: string;
  /** Default: /etc/resolv.conf. */
  readonly resolvConfPath?: string;
}

type OnAnswer = (answer: NameAnswer, isFinal: boolean) => void;

export class NameServers implements NameSource {
  readonly #settings: ResolverSettings;
  readonly #clock: DialClock;
  readonly #hosts: SystemFile<HostsTable>;
  readonly #resolvConf: SystemFile<ResolvConf>;
  /** The first asks all servers, each further one those that are behind. */
  #resolvers: readonly Resolver[] = [];
  #servers = '';

  constructor({ settings, clock, hostsPath, resolvConfPath }: NameServersOptions) {
    this.#settings = settings;
    this.#clock = clock;
    this.#hosts = new SystemFile(hostsPath ?? '/etc/hosts', parseHosts, clock);
    this.#resolvConf = new SystemFile(resolvConfPath ?? '/etc/resolv.conf', parseResolvConf, clock);
  }

  ask(name: string, onAnswer: OnAnswer): void {
    void this.#ask(name, onAnswer);
  }

  close(): void {
    for (const resolver of this.#resolvers) resolver.cancel();
  }

  async #ask(name: string, onAnswer: OnAnswer): Promise<void> {
    const [hosts, conf] = await Promise.all([this.#hosts.read(), this.#resolvConf.read()]);
    const inHosts = hostAddresses(hosts, name.replace(/\.$/, ''));
    if (inHosts !== null) return onAnswer(found({ addresses: inHosts, ttlMs: HOSTS_TTL_MS }), true);
    const { search, ndots } = this.#settings;
    const names = searchedNames(name, { search: search ?? conf.search, ndots: ndots ?? conf.ndots });
    new Question(names, { resolvers: this.#resolversFor(conf), clock: this.#clock, onAnswer }).askNext();
  }

  /** Made anew when the servers have changed. */
  #resolversFor(conf: ResolvConf): readonly Resolver[] {
    const { servers, timeoutMs, tries } = this.#settings;
    const wanted = servers ?? conf.servers;
    if (this.#servers === wanted.join()) return this.#resolvers;
    this.#servers = wanted.join();
    this.#resolvers = wanted.map((_, index) => {
      const resolver = new Resolver({ timeout: timeoutMs, tries, maxTimeout: timeoutMs });
      resolver.setServers(wanted.slice(index));
      return resolver;
    });
    return this.#resolvers;
  }
}

interface QuestionParts {
  readonly resolvers: readonly Resolver[];
  readonly clock: DialClock;
  readonly onAnswer: OnAnswer;
}

/** One name under its several names, one after the other. */
class Question {
  readonly #names: readonly string[];
  readonly #parts: QuestionParts;
  #nextIndex = 0;
  #four: FamilyAnswer | null = null;
  #six: FamilyAnswer | null = null;
  #stopWaiting: (() => void) | null = null;
  /** The first failure that says nothing of the name, and for want of one that it does not exist. */
  #failedCode: string | null = null;
  #noneCode = 'ENOTFOUND';

  constructor(names: readonly string[], parts: QuestionParts) {
    this.#names = names;
    this.#parts = parts;
  }

  askNext(): void {
    const name = this.#names[this.#nextIndex++];
    if (name === undefined) return this.#end();
    this.#four = this.#six = null;
    this.#askFamily(name, 4);
    this.#askFamily(name, 6);
  }

  #askFamily(name: string, family: 4 | 6): void {
    askFamily(name, family, {
      ...this.#parts,
      onAnswer: (answer) => {
        if (family === 4) this.#four = answer;
        else this.#six = answer;
        this.#heard();
      },
    });
  }

  #heard(): void {
    const addresses = [...addressesOf(this.#four), ...addressesOf(this.#six)];
    const isFinal = this.#four !== null && this.#six !== null;
    if (!isFinal && addresses.length === 0) return;
    if (!isFinal) {
      this.#stopWaiting = this.#parts.clock.after(RESOLUTION_DELAY_MS, () => this.#tell(addresses, false));
      return;
    }
    this.#stopWaiting?.();
    if (addresses.length > 0) this.#tell(addresses, true);
    else this.#noAddress();
  }

  #tell(records: readonly RecordWithTtl[], isFinal: boolean): void {
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1_000;
    const addresses = records.map(({ address }) => address);
    const unknownFamily = isUnknown(this.#four) ? 4 : isUnknown(this.#six) ? 6 : null;
    this.#parts.onAnswer(found({ addresses, ttlMs, unknownFamily }), isFinal);
  }

  /** What the system's resolver does: after SERVFAIL the next name is tried as after NXDOMAIN, after silence none is. */
  #noAddress(): void {
    const codes = [this.#four, this.#six].map((answer) =>
      answer !== null && 'code' in answer ? answer.code : 'ENODATA',
    );
    const failed = codes.includes('ENOTFOUND') ? undefined : codes.find((code) => !NONE_CODES.has(code));
    if (failed === undefined) {
      if (codes.every((code) => code === 'ENODATA')) this.#noneCode = 'ENODATA';
      return this.askNext();
    }
    this.#failedCode ??= failed;
    if (SPOKEN_FAILURES.has(failed)) this.askNext();
    else this.#end();
  }

  #end(): void {
    const { onAnswer } = this.#parts;
    if (this.#failedCode !== null) onAnswer({ outcome: 'failed', code: this.#failedCode }, true);
    else onAnswer({ outcome: 'none', code: this.#noneCode }, true);
  }
}

function isUnknown(answer: FamilyAnswer | null): boolean {
  return answer === null || ('code' in answer && !NONE_CODES.has(answer.code));
}

function addressesOf(answer: FamilyAnswer | null) {
  return answer !== null && 'addresses' in answer ? answer.addresses.slice(0, RESOLVER_LIMITS.addresses) : [];
}

interface Found {
  readonly addresses: readonly string[];
  readonly ttlMs: number;
  readonly unknownFamily?: 4 | 6 | null;
}

function found({ addresses, ttlMs, unknownFamily = null }: Found): NameAnswer {
  return { outcome: 'found', addresses: interleaved([...new Set(addresses)]), ttlMs, unknownFamily };
}
