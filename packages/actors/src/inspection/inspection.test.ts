/** What somebody who looks at live actors sees of them, and that a recording of it is enough to live it again. */
import { describe, expect, test } from 'vitest';
import { REFUSE, SimulatedWorld } from '../../testing/simulated-world.ts';
import type { ActorLine, EventLine, InspectionLine, InspectionQuery, MachineKind } from './inspection-line.ts';
import { replayRecording } from './replay-actor.ts';

const ANY: InspectionQuery = { kind: null, id: null };
const PROBED = 'probing.probed, ejection.admitted';

/** Looks at the actors of a world until it is disposed of. */
class Look implements AsyncDisposable {
  readonly lines: InspectionLine[] = [];
  readonly #ending = new AbortController();
  readonly #reading: Promise<void>;

  constructor(world: SimulatedWorld, query: Partial<InspectionQuery> = {}) {
    this.#reading = this.#read(world, { ...ANY, ...query });
  }

  async #read(world: SimulatedWorld, query: InspectionQuery): Promise<void> {
    for await (const lines of world.node.inspect(query, this.#ending.signal)) this.lines.push(...lines);
  }

  of(kind: MachineKind): ActorLine[] {
    return this.lines.filter((line): line is ActorLine => 'kind' in line && line.kind === kind);
  }

  /** `found probed`, `probe: probed → probed` and so on. */
  story(kind?: MachineKind): string[] {
    return this.lines.flatMap((line) => {
      if (!('kind' in line) || (kind !== undefined && line.kind !== kind)) return [];
      const name = kind === undefined ? `${line.kind} ` : '';
      return [`${name}${line.type === 'event' ? change(line) : `${line.type} ${line.state}`}`];
    });
  }

  /** The recording as it would be read from a file. */
  recording(): InspectionLine[] {
    return JSON.parse(JSON.stringify(this.lines)) as InspectionLine[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#reading;
  }
}

function change({ event, before, state, status }: EventLine): string {
  const becomes = status === 'active' ? state : status === 'done' ? `${state}, done` : status;
  return `${event.type}: ${before} → ${becomes}`;
}

interface Scene {
  readonly pool?: object;
  readonly workers?: number;
}

async function servingWorld({ pool = { health: { tcp: true } }, workers = 0 }: Scene = {}): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined', ...pool });
  await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
  await world.start({ workers });
  await world.clock.advance(100);
  return world;
}

/** Each actor that was recorded ends in a fresh one as it really did. */
function expectSame(look: Look, kind: MachineKind): void {
  const lives = replayRecording(look.recording()).filter((life) => life.kind === kind);
  const last = look.of(kind).at(-1)!;
  expect(lives.map(({ outcome, difference }) => ({ outcome, difference }))).toEqual(
    lives.map(() => ({ outcome: 'equal', difference: null })),
  );
  expect(lives.at(-1)).toMatchObject({ kind, state: last.state, status: last.status });
  const eventsCount = look.of(kind).filter(({ type }) => type === 'event').length;
  expect(lives.reduce((sum, life) => sum + life.eventsCount, 0)).toBe(eventsCount);
}

describe('looking', () => {
  test('shows what lives, and then what happens, causes before what they cause', async () => {
    await using world = await servingWorld();
    await using look = new Look(world);
    await world.clock.settle();
    expect(look.story().sort()).toEqual([
      'backend found probing.probed, ejection.admitted',
      'node found following.serving',
      'prober found settled',
    ]);
    expect(look.lines.at(-1)).toMatchObject({ type: 'following', actorsCount: 3 });
    const seenCount = look.lines.length;
    world.targets.answerByTarget.set('10.0.0.1:80', REFUSE);
    await world.clock.advance(8_000);
    expect(look.story().slice(seenCount - 1)).toEqual([
      'prober contradicted: settled → doubting',
      'prober contradicted: doubting → doubting',
      'prober contradicted: doubting → settled',
      `backend BackendTurnedUnhealthy: ${PROBED} → ${PROBED}`,
    ]);
    const report = look.of('backend').at(-1) as EventLine;
    expect(report).toMatchObject({
      id: 'p/b-1',
      event: { type: 'BackendTurnedUnhealthy', target: '10.0.0.1:80', reason: 'connection refused' },
      context: { task: { health: 'unhealthy' } },
      actions: ['report'],
    });
    expect(JSON.stringify(report)).not.toContain('ports');
  });

  test.each<[Partial<InspectionQuery>, string[]]>([
    [{ kind: 'prober' }, ['prober found settled', 'prober found settled']],
    [{ kind: 'prober', id: 'p/b-2' }, ['prober found settled']],
    [{ id: 'p/b-2' }, [`backend found ${PROBED}`, 'prober found settled']],
    [{ kind: 'node', id: 'lb-1' }, ['node found following.serving']],
    [{ kind: 'listener' }, ['listener found listening']],
    [{ kind: 'worker', id: '0' }, ['worker found alive.serving']],
    [{ kind: 'backend', id: 'p/nope' }, []],
  ])('at %o finds %o', async (query, found) => {
    await using world = await servingWorld({ workers: 1 });
    await world.publish('backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80' });
    await world.publish('listener.l', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'p' });
    await world.clock.advance(100);
    await using look = new Look(world, query);
    await world.clock.settle();
    expect(look.story()).toEqual(found);
  });

  test('shows who is born and who ends', async () => {
    await using world = await servingWorld();
    await using look = new Look(world, { id: 'p/b-2' });
    await world.publish('backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80' });
    await world.clock.advance(100);
    await world.publish('backend.p.b-2', { type: 'BackendDeregistered' });
    await world.clock.advance(100);
    expect(look.story('backend')).toEqual([
      `started ${PROBED}`,
      `BackendTurnedHealthy: ${PROBED} → ${PROBED}`,
      `xstate.stop: ${PROBED} → stopped`,
    ]);
    expect(look.story('prober')).toEqual([
      'started settled',
      'contradicted: settled → settled',
      'xstate.stop: settled → stopped',
    ]);
    expectSame(look, 'backend');
    expectSame(look, 'prober');
  });
});

describe('a recording replays to the same end', () => {
  test('of a node that waits for its journal', async () => {
    await using world = new SimulatedWorld();
    world.journal.goAway();
    await world.start();
    await using look = new Look(world, { kind: 'node' });
    await world.clock.advance(1_000);
    world.journal.comeBack();
    await world.clock.advance(10_000);
    await world.stop({ reason: 'enough' });
    const story = look.story('node');
    expect(story[0]).toBe('found waiting');
    expect(story).toContain('xstate.after.reload.node.waiting: waiting → starting');
    expect(story).toContain('stop: following.serving → following.stopping');
    expect(story.at(-1)).toMatch(/following\.stopping → stopped, done$/);
    expectSame(look, 'node');
  });

  test('of a listener that cannot open, opens, moves, and is closed', async () => {
    await using world = await servingWorld();
    await using look = new Look(world, { kind: 'listener' });
    world.sockets.takenBinds.add('127.0.0.1:80');
    await world.publish('listener.l', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'p' });
    await world.clock.advance(2_000);
    world.sockets.takenBinds.clear();
    await world.clock.advance(6_000);
    await world.publish('listener.l', { type: 'ListenerDefined', bind: '127.0.0.1:81', pool: 'p' });
    await world.clock.advance(1_000);
    await world.publish('listener.l', { type: 'ListenerRemoved' });
    await world.clock.advance(100);
    expect(new Set(look.story('listener'))).toEqual(
      new Set([
        'started opening',
        'failed: opening → opening',
        'opened: opening → listening',
        'redefined: listening → opening',
        'xstate.stop: listening → stopped',
      ]),
    );
    expectSame(look, 'listener');
  });

  test('of a backend that live traffic ejects, and whose probes pass again before its time is up', async () => {
    await using world = await servingWorld({ workers: 1 });
    await world.publish('backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80' });
    await world.clock.advance(100);
    await using look = new Look(world, { id: 'p/b-2' });
    world.targets.answerByTarget.set('10.0.0.2:80', REFUSE);
    await world.clock.advance(20_000);
    await world.publish('health.lb-1.p.b-2', { type: 'BackendEjected', target: '10.0.0.2:80', reason: 'by hand' });
    world.targets.answerByTarget.delete('10.0.0.2:80');
    await world.clock.advance(10_000);
    const [unhealthy, ejected] = [PROBED, PROBED.replace('admitted', 'ejected')];
    expect(look.story('backend')).toEqual([
      `found ${PROBED}`,
      `BackendTurnedUnhealthy: ${PROBED} → ${unhealthy}`,
      `ejected: ${unhealthy} → ${ejected}`,
      `BackendTurnedHealthy: ${ejected} → ${PROBED.replace('admitted', 'returned')}`,
    ]);
    expectSame(look, 'backend');
  });

  test('of a backend whose prober crashes until it is given up', async () => {
    await using world = await servingWorld();
    await using look = new Look(world, { id: 'p/b-1' });
    await world.clock.settle();
    world.targets.answerByTarget.set('10.0.0.1:80', 'crash');
    await world.clock.advance(30_000);
    const story = look.story('backend');
    const recovering = PROBED.replace('probed', 'recovering');
    expect(story).toContain(`xstate.error.actor.prober: ${PROBED} → ${recovering}`);
    expect(story).toContain(`xstate.after.restart.backend.probing.recovering: ${recovering} → ${PROBED}`);
    expect(story.at(-1)).toBe(`xstate.error.actor.prober: ${PROBED} → ${PROBED.replace('probed', 'abandoned')}`);
    expectSame(look, 'backend');
    expect(look.of('prober').at(-1)).toMatchObject({ status: 'error', reason: 'the prober has a defect' });
    expectSame(look, 'prober');
  });

  test('of an ejection that runs its course, whose timer was armed before anybody looked', async () => {
    await using world = await servingWorld({ pool: {}, workers: 1 });
    await world.publish('backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80' });
    await world.clock.advance(100);
    world.workers[0]!.report({ kind: 'outlier', ...outlierOf(1) });
    await world.clock.settle();
    await using look = new Look(world, { kind: 'backend' });
    await world.clock.advance(90_000);
    const [ejected, returned, admitted] = ['ejected', 'returned', 'admitted'].map(
      (state) => `probing.unwatched, ejection.${state}`,
    );
    expect(look.story('backend')).toEqual([
      `found ${ejected}`,
      `xstate.after.left.backend.ejection.ejected: ${ejected} → ${returned}`,
      `xstate.after.term.backend.ejection.returned: ${returned} → ${admitted}`,
      `xstate.stop: ${admitted} → stopped`,
    ]);
    expectSame(look, 'backend');
  });

  test('of a worker that is killed, and later does not end in time', async () => {
    await using world = await servingWorld({ workers: 1 });
    await using look = new Look(world, { kind: 'worker' });
    await world.clock.advance(20_000);
    world.workers[0]!.exit('killed by SIGKILL');
    await world.clock.advance(1_000);
    const stubborn = world.workers[1]!;
    stubborn.isStalled = true;
    stubborn.kill = () => undefined;
    await world.stop({ drainTimeoutMs: 1_000 });
    stubborn.exit('at last');
    const story = look.story('worker');
    expect(story.slice(0, 3)).toEqual([
      'found alive.serving',
      'exited: alive.serving → restarting',
      'xstate.after.restart.worker.restarting: restarting → alive.starting',
    ]);
    expect(story.slice(-3)).toEqual([
      'drain: alive.serving → alive.draining',
      'xstate.after.drainLimit.worker.alive.draining: alive.draining → alive.killing',
      'xstate.after.killLimit.worker.alive.killing: alive.killing → stopped, done',
    ]);
    expectSame(look, 'worker');
  });
});

describe('a recording that was changed differs at the line that was', () => {
  async function recorded(): Promise<InspectionLine[]> {
    await using world = await servingWorld();
    await using look = new Look(world, { id: 'p/b-1' });
    await world.clock.settle();
    world.targets.answerByTarget.set('10.0.0.1:80', 'crash');
    await world.clock.advance(10_000);
    return look.recording();
  }

  function changed(lines: readonly InspectionLine[], to: Partial<EventLine>, type: string): InspectionLine[] {
    const at = lines.findIndex((line) => line.type === 'event' && line.event.type === type);
    return lines.with(at, { ...lines[at]!, ...to } as InspectionLine);
  }

  const CRASH = 'xstate.error.actor.prober';
  const RESTART = 'xstate.after.restart.backend.probing.recovering';

  test.each<{ what: string; to: Partial<EventLine>; type: string; difference: object }>([
    {
      what: 'state',
      to: { state: 'abandoned' },
      type: CRASH,
      difference: { replayed: 'probing.recovering, ejection.admitted' },
    },
    { what: 'status', to: { status: 'stopped' }, type: CRASH, difference: { replayed: 'active' } },
    { what: 'context', to: { context: { pool: 'q' } }, type: CRASH, difference: { recorded: { pool: 'q' } } },
    { what: 'timers', to: { armed: [] }, type: CRASH, difference: { recorded: [] } },
    { what: 'timers', to: { elapsedMs: 0 }, type: RESTART, difference: { replayed: 'not due yet' } },
  ])('in its $what: $difference', async ({ what, to, type, difference }) => {
    const life = replayRecording(changed(await recorded(), to, type)).find(({ kind }) => kind === 'backend');
    expect(life).toMatchObject({ outcome: 'differs', difference: { what, event: type, ...difference } });
  });

  test('where an event is missing', async () => {
    const lines = await recorded();
    const at = lines.findIndex((line) => line.type === 'event' && line.event.type === CRASH);
    const life = replayRecording(lines.toSpliced(at, 1)).find(({ kind }) => kind === 'backend');
    expect(life).toMatchObject({ outcome: 'differs', difference: { what: 'timers', replayed: 'not armed' } });
  });

  test('and is cut, not different, where its reader was too slow', async () => {
    const lines = await recorded();
    const dropped: InspectionLine = { type: 'dropped', timeMs: 0, linesCount: 3 };
    const cut = replayRecording([...lines.slice(0, 4), dropped, ...lines.slice(4)]);
    expect(cut.find(({ kind }) => kind === 'backend')).toMatchObject({ outcome: 'cut', difference: null });
  });
});

function outlierOf(index: number) {
  const reason = '5 failures in a row: connection refused';
  return { pool: 'p', backend: `b-${index}`, target: `10.0.0.${index}:80`, failures: 5, reason };
}
