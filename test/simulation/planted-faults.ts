/**
 * One deliberate fault for each invariant, planted from outside: a journal's link, a worker or a transport that does what it must
 * not. The product is as it is; what is shown is that the checks would see it, if it were so.
 */
import type { NodeHandle, WorkerMessage } from '@muster/actors';
import { WireEnd, type SimulatedWire } from '@muster/actors/testing';
import type { AppendOutcome, FollowItem, Head, NewEvent } from '@muster/journal';
import { announcementSubject, type LiveMessage } from '@muster/membership';
import { CLUSTER, type History } from './world/history.ts';
import { JournalLink, type JournalLinkOptions, type JournalPath } from './world/journal-link.ts';
import type { Invariant } from './world/finding.ts';
import { SOUND_PARTS, type Parts } from './world/machine.ts';
import type { ProcessClock } from './world/process-clock.ts';
import { SimulatedLeg } from './world/simulated-leg.ts';
import { SimulatedProxy } from './world/simulated-proxy.ts';
import { allTargets } from './schedule/declared.ts';
import { WorkerTransport, type WorkerTransportOptions } from './world/worker-transport.ts';

/** I1: one event reaches this node with another weight than the others see. */
class AlteringLink extends JournalLink {
  override async *follow(options: Parameters<JournalLink['follow']>[0]): AsyncGenerator<FollowItem, void> {
    for await (const item of super.follow(options)) {
      if (item.kind !== 'events') yield item;
      else yield { ...item, events: item.events.map((event) => ({ ...event, payload: heavier(event.payload) })) };
    }
  }
}

function heavier(payload: string): string {
  return payload.replace(/("type":"BackendRegistered",.*)}$/, '$1,"weight":7}');
}

/** I2: a worker takes up a roster that it had before. */
class ForgetfulProxy extends SimulatedProxy {
  #first: [WorkerMessage, { socket: object | null; epoch: string }] | null = null;

  protected override take(message: WorkerMessage, circumstances: { socket: object | null; epoch: string }): void {
    if (message.kind === 'roster') this.#first = [message, circumstances];
    super.take(message, circumstances);
    if (message.kind === 'events' && message.events.length > 1 && this.#first !== null) super.take(...this.#first);
  }
}

/** I2: a follower that is not told that its history is gone. */
class DeafLink extends JournalLink {
  override async *follow(options: Parameters<JournalLink['follow']>[0]): AsyncGenerator<FollowItem, void> {
    for await (const item of super.follow(options)) {
      if (item.kind === 'epoch-changed')
        await new Promise((resolve) => options.signal.addEventListener('abort', resolve));
      else yield item;
    }
  }
}

/** I3: a follower is told that it has caught up when it has read half. */
class HastyLink extends JournalLink {
  override async *follow(options: Parameters<JournalLink['follow']>[0]): AsyncGenerator<FollowItem, void> {
    for await (const item of super.follow(options)) {
      if (item.kind === 'events' && item.events.length > 1) {
        const half = Math.floor(item.events.length / 2);
        const early = item.events.slice(0, half);
        yield { kind: 'events', events: early };
        yield { kind: 'caught-up', revision: early.at(-1)!.revision };
        await this.pause(300);
        yield { kind: 'events', events: item.events.slice(half) };
      } else yield item;
    }
  }
}

/** I4: connections to backends stay open when they are closed. */
class StickyTransport extends WorkerTransport {
  protected override makeLeg(): SimulatedLeg {
    const leg = new SimulatedLeg();
    leg.close = () => undefined;
    return leg;
  }
}

/** I5: what a POST has in it is sent to a second backend as well. */
class DoublingTransport extends WorkerTransport {
  readonly #targets: WorkerTransportOptions['targets'];

  constructor(options: WorkerTransportOptions) {
    super(options);
    this.#targets = options.targets;
  }

  protected override makeLeg(): SimulatedLeg {
    const leg = new SimulatedLeg();
    const { writeText } = leg;
    leg.writeText = (text) => {
      if (text.startsWith('POST')) {
        this.#targets.connect(this.#targets.at(allTargets()[0]!), new SimulatedLeg()).onWritten(text);
      }
      return writeText.call(leg, text);
    };
    return leg;
  }
}

/** I6: what the node saw itself does not act on its worker until the journal has it. */
class WaitingProxy extends SimulatedProxy {
  protected override take(message: WorkerMessage, circumstances: { socket: object | null; epoch: string }): void {
    if (message.kind !== 'pending') super.take(message, circumstances);
  }
}

/** I6: workers accept nothing while the journal is away. */
function timidParts(): Parts {
  const paths: JournalPath[] = [];
  class TimidTransport extends WorkerTransport {
    override get binds(): readonly string[] {
      return paths.every(({ isWhole }) => isWhole) ? super.binds : [];
    }
  }
  const makeLink = (options: JournalLinkOptions): JournalLink => {
    paths.push(options.path);
    return new JournalLink(options);
  };
  return { ...SOUND_PARTS, makeLink, makeTransport: (options) => new TimidTransport(options) };
}

/** I7: what a person asked for is acknowledged, and not stored. */
class LosingLink extends JournalLink {
  protected override store(
    history: History,
    ...[event, options]: Parameters<History['store']>
  ): Promise<AppendOutcome> {
    if (!isCommand(event)) return super.store(history, event, options);
    return Promise.resolve({ outcome: 'appended', revision: history.revision + 1, isDuplicate: false });
  }
}

const isCommand = ({ origin }: NewEvent): boolean => origin?.startsWith('command-') ?? false;

/** I8: a worker keeps a backend out for a reason of its own. */
class StubbornProxy extends SimulatedProxy {
  protected override take(message: WorkerMessage, circumstances: { socket: object | null; epoch: string }): void {
    super.take(message, circumstances);
    const backend = this.roster?.pools.get('web')?.backends.get('b-1');
    if (message.kind !== 'events' || backend === undefined) return;
    const event = { type: 'BackendTurnedUnhealthy', target: backend.target.value, reason: 'a feeling' } as const;
    const fact = { id: 'no-event', pool: 'web', backend: 'b-1', timeMs: 0, event };
    super.take({ kind: 'pending', added: [fact], settled: [] }, circumstances);
  }
}

/** The end: what a node saw never gets into the journal. */
class DiscardingLink extends JournalLink {
  protected override store(
    history: History,
    ...[event, options]: Parameters<History['store']>
  ): Promise<AppendOutcome> {
    if (!event.subject.includes('.health.')) return super.store(history, event, options);
    return Promise.resolve({ outcome: 'unavailable', message: 'the journal is not in the mood' });
  }
}

/** I2: what the journal is now is taken at once, whatever is lost by it, as every node did while one pool was enough. */
function adoptAnything(handle: NodeHandle, clock: ProcessClock): void {
  const look = (): void => {
    if ((handle.status().epochChange?.poolsCount ?? 0) > 0) void handle.adoptEpoch('nobody');
    clock.setTimeout(look, 500);
  };
  look();
}

/** I7: nobody notices that the stream was edited. */
class BlindLink extends JournalLink {
  protected override noteUnfit(): void {}
}

/** I10: a server that is alone answers as if it led. */
class UsurpingLink extends JournalLink {
  override async head(): Promise<Head> {
    const { alone } = this.path;
    if (alone === null) return super.head();
    return { epoch: alone.history.epoch, revision: alone.revision, firstRevision: alone.history.firstRevision };
  }

  /** What is sent there is stored when the cut has healed. */
  override async append(...[event, options]: Parameters<JournalLink['append']>): Promise<AppendOutcome> {
    while (this.path.alone !== null) await this.pause(100);
    return super.append(event, options);
  }
}

/** I10: who is on a server that is alone stays there. */
class StuckEnd extends WireEnd {
  override leave(): void {}
}

/** I10: a node that is with the leader hears its own words alone. */
class OwnWordsEnd extends WireEnd {
  override hear(message: LiveMessage, from: WireEnd): void {
    if (from === this) super.hear(message, from);
  }
}

/** I10: nobody is asked who else has heard one that is silent here: all others are taken for nodes of an older version. */
class UnaskingEnd extends WireEnd {
  override hear(message: LiveMessage, from: WireEnd): void {
    super.hear({ ...message, text: message.text.replace(/"hears":\[.*\]/, '"zone":0') }, from);
  }
}

/** A process that does not listen for its own name. */
class NamelessEnd extends WireEnd {
  readonly #own: string;

  constructor(wire: SimulatedWire, node: string) {
    super(wire);
    this.#own = announcementSubject(CLUSTER, node);
  }

  override hear(message: LiveMessage, from: WireEnd): void {
    if (from === this || message.subject !== this.#own) super.hear(message, from);
  }
}

/** The end: snapshots are taken, and not kept. */
class SnapshotlessLink extends JournalLink {
  override saveSnapshot(): Promise<void> {
    return Promise.resolve();
  }
}

export interface PlantedFault {
  readonly invariant: Invariant;
  /** For people: what is done that must not be. */
  readonly fault: string;
  readonly parts: () => Parts;
}

const linked = (Link: typeof JournalLink) => (): Parts => ({
  ...SOUND_PARTS,
  makeLink: (options) => new Link(options),
});
const proxied = (Proxied: typeof SimulatedProxy) => (): Parts => ({
  ...SOUND_PARTS,
  makeProxy: (options) => new Proxied(options),
});
const transported = (Transported: typeof WorkerTransport) => (): Parts => ({
  ...SOUND_PARTS,
  makeTransport: (options) => new Transported(options),
});

export const PLANTED_FAULTS: readonly PlantedFault[] = [
  { invariant: 'I1', fault: 'an event reaches the nodes with another content', parts: linked(AlteringLink) },
  { invariant: 'I2', fault: 'a worker goes back to the roster it began with', parts: proxied(ForgetfulProxy) },
  { invariant: 'I2', fault: 'nobody is told that the journal was made again', parts: linked(DeafLink) },
  {
    invariant: 'I2',
    fault: 'a history that lacks what is served is taken by itself',
    parts: () => ({ ...SOUND_PARTS, onStarted: adoptAnything }),
  },
  { invariant: 'I3', fault: 'a node is told to be caught up when it has read half', parts: linked(HastyLink) },
  {
    invariant: 'I4',
    fault: 'connections to backends stay open when they are closed',
    parts: transported(StickyTransport),
  },
  { invariant: 'I5', fault: 'a POST is sent to a second backend', parts: transported(DoublingTransport) },
  { invariant: 'I6', fault: "a worker waits for the journal with its node's facts", parts: proxied(WaitingProxy) },
  { invariant: 'I6', fault: 'workers accept nothing while the journal is away', parts: timidParts },
  { invariant: 'I7', fault: 'a command is acknowledged and not stored', parts: linked(LosingLink) },
  { invariant: 'I8', fault: 'a worker keeps a backend out by a fact that there is not', parts: proxied(StubbornProxy) },
  { invariant: 'I7', fault: 'nobody notices that the stream was edited by hand', parts: linked(BlindLink) },
  {
    invariant: 'I10',
    fault: 'a server that is alone answers as if it led, and is not left',
    parts: () => ({
      ...SOUND_PARTS,
      makeLink: (options) => new UsurpingLink(options),
      makeEnd: (wire) => wire.end(new StuckEnd(wire)),
    }),
  },
  {
    invariant: 'I10',
    fault: 'a node hears its own words alone',
    parts: () => ({ ...SOUND_PARTS, makeEnd: (wire) => wire.end(new OwnWordsEnd(wire)) }),
  },
  {
    invariant: 'I10',
    fault: 'nobody is asked who else has heard one that is silent here',
    parts: () => ({ ...SOUND_PARTS, makeEnd: (wire) => wire.end(new UnaskingEnd(wire)) }),
  },
  {
    invariant: 'name',
    fault: 'a process does not listen for its own name',
    parts: () => ({ ...SOUND_PARTS, makeEnd: (wire, node) => wire.end(new NamelessEnd(wire, node)) }),
  },
  { invariant: 'end', fault: 'snapshots are not kept, and the log is purged', parts: linked(SnapshotlessLink) },
  { invariant: 'end', fault: 'what nodes saw is never taken by the journal', parts: linked(DiscardingLink) },
];
