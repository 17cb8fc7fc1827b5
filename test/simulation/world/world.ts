/**
 * The simulated world: machines with nodes on them, a journal, a live wire, backends, clients and members, all on one clock, and
 * all chance from one seed. `apply` does what an action of a schedule says; `mend` ends all faults.
 */
import { SimulatedClock, SimulatedWire, type WireEnd } from '@muster/actors/testing';
import { announcementSubject, commandSchema, heartbeatSubject, type MembershipEventInput } from '@muster/membership';
import { HttpClient, RelayClient, type ClientRequest, type Method } from './clients.ts';
import { AppendedEvents } from './appended-events.ts';
import { declared, declaredPoorly } from '../schedule/declared.ts';
import type { Report } from './finding.ts';
import { CLUSTER, JournalStore } from './history.ts';
import { Routes } from './routes.ts';
import { SimulatedMachine, SOUND_PARTS, type NodeProcess, type Parts } from './machine.ts';
import { Random } from '../schedule/random.ts';
import { nodeName, type Action, type Schedule } from '../schedule/schedule.ts';
import type { SimulatedProxy } from './simulated-proxy.ts';
import { SimulatedTargets } from './targets.ts';

const LEASE_MS = 6_000;
/** The default of a node. */
const NODE_LEASE_MS = 10_000;
/** After the faults, until a person says what is to count: by then every node follows something. */
const PERSON_LOOKS_MS = 5_000;
/** Before the first step: nodes start, are probed for, hear each other. */
const WARM_UP_MS = 1_500;

type ActionOf<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

/** A command that a node answered with `appended`. */
export interface AcceptedCommand {
  readonly node: string;
  /** Unique to it. */
  readonly origin: string;
  readonly revision: number;
}

interface Member {
  readonly pool: string;
  readonly target: string;
  isSpeaking: boolean;
}

export class World {
  readonly clock = new SimulatedClock();
  readonly wire = new SimulatedWire(this.clock);
  readonly store = new JournalStore(() => this.clock.now());
  readonly targets = new SimulatedTargets(this.clock);
  readonly machines: SimulatedMachine[] = [];
  readonly accepted: AcceptedCommand[] = [];
  readonly requests: ClientRequest[] = [];
  readonly report: Report;
  /** Whether anybody has said what is not so: nodes may then say that they disagree. */
  hasFalseVoice = false;
  /** When everything went on after it had stood still. */
  wentOnAtMs = 0;
  /** Machines that are called after those in `machines`, by name; empty where they are not there. */
  readonly twins = new Map<string, SimulatedMachine>();
  readonly #makeMachine: (name: string) => SimulatedMachine;
  readonly #appended: AppendedEvents;
  readonly #routes: Routes;
  readonly #random: Random;
  readonly #memberEnd: WireEnd;
  readonly #membersByPool = new Map<string, Member>();
  #httpClients: HttpClient[] = [];
  #relayClients: RelayClient[] = [];
  #publishedCount = 0;
  #commandsCount = 0;
  #requestsCount = 0;

  constructor({ seed, nodes, workers }: Schedule, { report, parts = SOUND_PARTS }: { report: Report; parts?: Parts }) {
    this.report = report;
    this.#random = new Random(~seed);
    this.#memberEnd = this.wire.end();
    const random = (): number => this.#random.next();
    const { clock, wire, store, targets } = this;
    const leaseMs = { member: LEASE_MS, node: NODE_LEASE_MS };
    const machines = (): readonly SimulatedMachine[] => this.#allMachines();
    this.#routes = new Routes({ memberEnd: this.#memberEnd, machines });
    wire.isCutBetween = this.#routes.isCutBetween;
    this.#appended = new AppendedEvents({ report, wire, leaseMs, machines, routes: this.#routes });
    const onAppended = this.#appended.judge.bind(this.#appended);
    const shared = { clock, wire, store, targets, workers, random, parts, report, onAppended };
    this.#makeMachine = (name) => new SimulatedMachine({ name, ...shared });
    for (let index = 0; index < nodes; index++) this.machines.push(this.#makeMachine(nodeName(index)));
    store.onReplaced = () => this.#allMachines().forEach(({ path }) => path.wake());
  }

  async begin(): Promise<void> {
    await this.#declare();
    for (const machine of this.machines) machine.start();
    this.#sendHeartbeats();
    await this.clock.advance(WARM_UP_MS);
  }

  async apply(action: Action): Promise<void> {
    switch (action.kind) {
      case 'publish':
        return this.#publish(action);
      case 'command':
        return this.#command(action);
      case 'crash':
        return this.machine(action.node).crash(action.what);
      case 'start':
        return this.machine(action.node).start();
      case 'stop':
        return this.machine(action.node).stop(action.drainTimeoutMs);
      case 'worker':
        return this.#actOnWorker(action);
      case 'path': {
        const { state, answers, appendMs, followMs } = action;
        return this.machine(action.node).path.set({ state, answers, appendMs, followMs });
      }
      case 'journal':
        return this.#changeJournal(action);
      case 'adopt':
        return this.#adopt(this.machine(action.node).process);
      case 'twin':
        return this.#changeTwin(action);
      case 'server':
        this.machine(action.node).setAlone(action.isAlone);
        return this.#appended.wiresChanged();
      case 'wire':
        this.machine(action.node).setWire(action.state);
        return this.#appended.wiresChanged();
      case 'route':
        return this.#routes.set(action);
      case 'words':
        return this.#setWords(action);
      case 'clock':
        this.machine(action.node).wall.offsetMs += action.byMs;
        return;
      case 'stand-still':
        this.clock.standStill(action.durationMs);
        this.wentOnAtMs = this.clock.elapsedMs();
        this.#appended.wentOn();
        return;
      case 'false-voice':
        return this.#announceFalsely();
      case 'hindrance': {
        const machine = this.machine(action.node);
        machine.disk.isFull = action.isDiskFull;
        machine.takenBind = action.takenBind;
        return;
      }
      case 'target':
        return this.#changeTarget(action);
      case 'reach': {
        const { unreachable } = this.machine(action.node);
        if (action.isReachable) unreachable.delete(action.target);
        else unreachable.add(action.target);
        return;
      }
      case 'member':
        return this.#changeMember(action);
      case 'traffic':
        return this.#openTraffic(action);
      case 'wait':
        return;
    }
  }

  /** Every fault ends; what is declared is declared again where it is missing. */
  async mend(): Promise<void> {
    for (const twin of this.twins.values()) twin.crash('machine');
    this.store.bringBack();
    this.store.present.unfit = null;
    for (const machine of this.machines) {
      machine.setAlone(false);
      machine.path.set({ state: 'whole', answers: 'given', appendMs: 0, followMs: 0 });
      machine.unreachable.clear();
      machine.disk.isFull = false;
      machine.takenBind = null;
      machine.setWire('whole');
    }
    this.#setWords({ delayMs: 0, lostRatio: 0, doubledRatio: 0 });
    this.#routes.mend();
    for (const target of this.targets.all()) Object.assign(target, { dialMs: 0, answerMs: 0 });
    for (const client of [...this.#httpClients, ...this.#relayClients]) client.close();
    for (const { proxy } of this.workers()) proxy.resume();
    for (const machine of this.machines) {
      const isStopping = (): boolean => machine.process?.isStopping ?? false;
      for (let round = 0; isStopping() && round < 60; round++) await this.clock.advance(1_000);
      machine.start();
    }
    await this.store.catchUp();
    if (this.store.present.roster.pools.size === 0) await this.#declare();
    await this.clock.advance(PERSON_LOOKS_MS);
    // A person takes the journal as it is, on each node that waits for a word.
    for (const process of this.processes()) this.#adopt(process);
  }

  /** Stops all nodes in order, and waits for it. */
  async end(): Promise<void> {
    for (const member of this.#membersByPool.values()) member.isSpeaking = false;
    for (const machine of this.machines) machine.stop(0);
    const isOver = (): boolean => this.machines.every(({ process }) => process === null);
    for (let round = 0; !isOver() && round < 40; round++) await this.clock.advance(500);
    for (const { name, process } of this.machines) if (process !== null) this.report('end', `${name} does not stop`);
  }

  machine(name: string): SimulatedMachine {
    return this.machines.find((machine) => machine.name === name) ?? this.machines[0]!;
  }

  /** The node processes that live, those that are stopping included. */
  *processes(): Generator<NodeProcess> {
    for (const { process } of this.machines) if (process !== null) yield process;
  }

  /** Nodes that serve and are not about to stop. */
  *serving(): Generator<NodeProcess> {
    for (const process of this.processes()) {
      if (process.watch.servesSinceMs !== null && !process.isStopping) yield process;
    }
  }

  *workers(): Generator<{ readonly process: NodeProcess; readonly proxy: SimulatedProxy }> {
    for (const process of this.processes()) for (const proxy of process.livingProxies()) yield { process, proxy };
  }

  /** Sends one request through one worker; null where nobody accepts it. */
  ask(proxy: SimulatedProxy, { bind, method }: { bind: string; method: Method }): ClientRequest | null {
    const leg = proxy.transport.accept(bind);
    if (leg === null) return null;
    const client = new HttpClient(leg, this.report);
    this.#httpClients.push(client);
    return this.#track(client.ask(this.#nextRequest('r'), method));
  }

  isSpeaking(pool: string): boolean {
    return this.#membersByPool.get(pool)?.isSpeaking ?? false;
  }

  #allMachines(): readonly SimulatedMachine[] {
    return [...this.machines, ...this.twins.values()];
  }

  #adopt(process: NodeProcess | null): void {
    if (process === null) return;
    process.watch.isAdoptionWished = true;
    void process.handle.adoptEpoch('cli:mender@simulation');
  }

  #changeTwin({ node, what }: ActionOf<'twin'>): void {
    const { name } = this.machine(node);
    if (what === 'kill') return this.twins.get(name)?.crash('machine');
    const twin = this.twins.get(name) ?? this.#makeMachine(name);
    this.twins.set(name, twin);
    twin.start();
  }

  async #declare(declarations = declared()): Promise<void> {
    for (const [entity, event] of declarations) await this.#publish({ entity, event, times: 1 });
  }

  async #publish({ entity, event, times }: Pick<ActionOf<'publish'>, 'entity' | 'event' | 'times'>): Promise<void> {
    this.#publishedCount += 1;
    const { present, isGone } = this.store;
    if (isGone) return;
    for (let time = 0; time < times; time++) {
      const outcome = await present.store({
        id: `published-${this.#publishedCount}`,
        subject: `muster.${CLUSTER}.${entity}`,
        origin: 'publisher',
        payload: JSON.stringify(event),
      });
      if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
      present.acknowledgedById.set(`published-${this.#publishedCount}`, outcome.revision);
    }
  }

  async #command({ node, command }: ActionOf<'command'>): Promise<void> {
    const process = this.machine(node).process;
    if (process === null || process.isStopping) return;
    this.#commandsCount += 1;
    const origin = `command-${this.#commandsCount}`;
    void process.handle.execute(commandSchema.parse(command), origin).then((outcome) => {
      if (outcome.outcome === 'appended') this.accepted.push({ node, origin, revision: outcome.revision });
    });
  }

  #actOnWorker({ node, index, what }: ActionOf<'worker'>): void {
    const proxy = this.machine(node)
      .process?.livingProxies()
      .find((one) => one.index === index);
    proxy?.[what]();
  }

  async #changeJournal({ what, isDeclared }: ActionOf<'journal'>): Promise<void> {
    if (what === 'log-cut') return this.store.present.cut();
    if (what === 'snapshot-damaged') return this.store.present.damageSnapshot();
    if (what === 'put-back') return this.store.putBack();
    if (what === 'gone') return this.store.remove();
    if (what === 'purged') return this.#purge();
    if (what === 'edited') return this.store.present.edit(this.clock.elapsedMs());
    this.store.makeAgain();
    if (what === 'made-poor') return this.#declare(declaredPoorly());
    if (isDeclared) await this.#declare();
  }

  /** Where somebody has what is removed, can be asked for it, and has no reason to doubt it. */
  #purge(): void {
    const { present, isGone } = this.store;
    if (this.hasFalseVoice) return;
    for (const { machine, handle } of this.serving()) {
      const { epoch, revision } = handle.status();
      const isWhole = machine.path.isWhole && machine.path.answers === 'given' && machine.path.followMs === 0;
      if (!isGone && isWhole && epoch === present.epoch && revision === present.revision) return present.purge();
    }
  }

  #setWords({
    delayMs,
    lostRatio,
    doubledRatio,
  }: Pick<ActionOf<'words'>, 'delayMs' | 'lostRatio' | 'doubledRatio'>): void {
    const random = this.#random;
    this.#appended.wordsChanged({ delayMs, lostRatio });
    this.wire.journey = () => {
      if (random.chance(lostRatio)) return [];
      return random.chance(doubledRatio) ? [delayMs, delayMs + 100] : [delayMs];
    };
  }

  #changeTarget({ target, state, dialMs, answerMs, isReset }: ActionOf<'target'>): void {
    const found = this.targets.at(target);
    Object.assign(found, { state, dialMs, answerMs });
    if (isReset) found.resetAll();
  }

  async #changeMember({ pool, target, isSpeaking }: ActionOf<'member'>): Promise<void> {
    const member = this.#membersByPool.get(pool);
    if (member === undefined) this.#membersByPool.set(pool, { pool, target, isSpeaking });
    else member.isSpeaking = isSpeaking;
    if (!isSpeaking) return;
    const event: MembershipEventInput = { type: 'BackendRegistered', target, leaseMs: LEASE_MS };
    await this.#publish({ entity: `backend.${pool}.member`, event, times: 1 });
  }

  #announceFalsely(): void {
    this.hasFalseVoice = true;
    const { epoch, revision } = this.store.present;
    const words = { node: 'lb-9', instance: 'false', version: '0', epoch, revision, hash: '0bad0bad0bad0bad' };
    this.#memberEnd.say(
      announcementSubject(CLUSTER, 'lb-9'),
      JSON.stringify({ ...words, lag: 0, snapshotRevision: 0 }),
    );
  }

  #sendHeartbeats(): void {
    for (const { pool, target, isSpeaking } of this.#membersByPool.values()) {
      if (isSpeaking)
        this.#memberEnd.say(heartbeatSubject(CLUSTER, { pool, backend: 'member' }), JSON.stringify({ target }));
    }
    this.clock.setTimeout(() => this.#sendHeartbeats(), LEASE_MS / 3);
  }

  /** Some on connections that are kept alive, some on new ones; through each worker in turn. */
  #openTraffic({ node, gets, posts, relays }: ActionOf<'traffic'>): void {
    const proxies = this.machine(node).process?.livingProxies() ?? [];
    this.#httpClients = this.#httpClients.filter(({ isClosed }) => !isClosed);
    this.#relayClients = this.#relayClients.filter(({ isClosed }) => !isClosed);
    const idle = this.#httpClients.filter(({ isIdle }) => isIdle);
    for (const proxy of proxies) {
      for (const { spec } of proxy.roster?.listeners.values() ?? []) {
        if (spec.protocol === 'tcp') this.#openRelays(proxy, spec.bind, relays);
        else {
          for (let count = 0; count < gets + posts; count++) {
            const method = count < gets ? 'GET' : 'POST';
            const kept = this.#random.chance(0.5) ? idle.shift() : undefined;
            if (kept === undefined) this.ask(proxy, { bind: spec.bind, method });
            else this.#track(kept.ask(this.#nextRequest('r'), method));
          }
        }
      }
    }
  }

  #openRelays(proxy: SimulatedProxy, bind: string, count: number): void {
    for (let opened = 0; opened < count; opened++) {
      const leg = proxy.transport.accept(bind);
      if (leg === null) return;
      const client = new RelayClient(leg);
      client.say(this.#nextRequest('t'));
      this.#relayClients.push(client);
    }
  }

  #nextRequest(letter: 'r' | 't'): string {
    this.#requestsCount += 1;
    return `${letter}${this.#requestsCount}`;
  }

  #track(request: ClientRequest): ClientRequest {
    this.requests.push(request);
    return request;
  }
}
