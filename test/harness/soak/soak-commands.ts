/**
 * The writers of the soak: every command, raw events good and bad, large batches, and the command line. The pools `main`, `queue` and
 * `relay` and their steady backends stay; everything else comes and goes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { commandSchema, type CommandInput } from '@muster/membership';
import type { Random } from '../../simulation/schedule/random.ts';
import type { TestNode } from '../node.ts';
import type { SoakBackend } from './soak-backends.ts';

const BATCH_BACKENDS = 200;
/** The admin API closes what is past its 256 connections. */
const AT_ONCE = 50;
const CHURN_POOLS = ['churn-0', 'churn-1', 'churn-2', 'churn-3'] as const;
const CHURN_LISTENERS = ['door-0', 'door-1'] as const;
const FLIP_MS = 2_000;

export class SoakCommands {
  readonly failures: string[] = [];
  readonly counts: Record<string, number> = {};
  readonly #node: TestNode;
  readonly #random: Random;
  readonly #backends: readonly SoakBackend[];
  readonly #writers: Promise<void>[] = [];
  #isStopping = false;

  constructor(node: TestNode, random: Random, backends: readonly SoakBackend[]) {
    this.#node = node;
    this.#random = random;
    this.#backends = backends;
  }

  /** Commands that nobody gives here. */
  ungivenCommands(): string[] {
    return commandSchema.options.map(({ shape }) => shape.type.value).filter((type) => !(type in this.#commands));
  }

  start(): void {
    this.#writers.push(
      this.#repeat(() => this.#giveCommand(), 60),
      this.#repeat(() => this.#giveCommand(), 60),
      this.#repeat(() => this.#publish(), 40),
      this.#repeat(() => this.#batch(), 4_000),
      this.#repeat(() => this.#flip(), FLIP_MS),
      this.#repeat(() => this.#commandLine(), 3_000),
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#writers);
  }

  async #repeat(act: () => Promise<void>, pauseMs: number): Promise<void> {
    while (!this.#isStopping) {
      await act().catch((error: unknown) => this.failures.push(`${String(error)} ${String((error as Error).cause)}`));
      await sleep(this.#random.between(1, pauseMs));
    }
  }

  readonly #commands: Record<CommandInput['type'], () => CommandInput> = {
    DefinePool: () => ({
      type: 'DefinePool',
      pool: this.#random.pick(CHURN_POOLS),
      policy: this.#random.pick(['round_robin', 'least_requests', 'random', 'consistent_hash']),
      health: { http: '/healthz', intervalMs: this.#random.between(500, 2_000) },
      onRemoval: this.#random.pick(['close', 'drain']),
    }),
    ChangePool: () => ({
      type: 'ChangePool',
      pool: this.#random.pick([...CHURN_POOLS, 'queue']),
      change: {
        slowStartMs: this.#random.pick([null, 500]),
        responseHeaderTimeoutMs: this.#random.between(5_000, 9_000),
      },
    }),
    RemovePool: () => ({ type: 'RemovePool', pool: this.#random.pick(CHURN_POOLS), reason: 'soak' }),
    DefineListener: () => ({
      type: 'DefineListener',
      listener: this.#random.pick(CHURN_LISTENERS),
      bind: '127.0.0.1:0',
      protocol: this.#random.pick(['http', 'tcp']),
      pool: this.#random.pick(CHURN_POOLS),
    }),
    ChangeListener: () => ({
      type: 'ChangeListener',
      listener: this.#random.pick(CHURN_LISTENERS),
      change: { idleTimeoutMs: this.#random.between(60_000, 90_000) },
    }),
    RemoveListener: () => ({ type: 'RemoveListener', listener: this.#random.pick(CHURN_LISTENERS) }),
    RegisterBackend: () => ({
      type: 'RegisterBackend',
      ...this.#place(),
      target: this.#random.chance(0.8) ? this.#random.pick(this.#backends).target : '127.0.0.1:1',
      weight: this.#random.between(1, 9),
    }),
    ChangeBackend: () => ({
      type: 'ChangeBackend',
      ...this.#place(),
      change: { weight: this.#random.between(1, 9) },
    }),
    SetBackendMode: () => ({
      type: 'SetBackendMode',
      ...this.#place(),
      mode: this.#random.pick(['ready', 'drain', 'maint']),
      reason: 'soak',
    }),
    DeregisterBackend: () => ({ type: 'DeregisterBackend', ...this.#place() }),
  };

  /** In the pools that traffic goes through as well, so that open connections are closed by removals. */
  #place(): { pool: string; backend: string } {
    const pool = this.#random.pick(['main', 'queue', ...CHURN_POOLS]);
    return { pool, backend: `passing-${this.#random.between(0, 9)}` };
  }

  async #giveCommand(): Promise<void> {
    const make = this.#random.pick(Object.values(this.#commands));
    const { outcome } = await this.#node.command(make());
    this.#count(`command ${outcome ?? 'refused'}`);
  }

  /** As strangers do: most are well-formed, some are not, and some are for what does not exist. */
  async #publish(): Promise<void> {
    const { pool, backend } = this.#place();
    const target = this.#random.pick(this.#backends).target;
    const payload = this.#random.pick<object | string>([
      { type: 'BackendRegistered', target, weight: this.#random.between(1, 9) },
      { type: 'BackendModeSet', mode: 'ready', reason: 'x'.repeat(400) },
      { type: 'BackendDeregistered' },
      { type: 'BackendRegistered', target: 'nonsense' },
      'no JSON',
      '['.repeat(20_000),
      JSON.stringify({ type: 'BackendRegistered', target, more: 'y'.repeat(50_000) }),
    ]);
    const subject = `muster.default.backend.${this.#random.chance(0.9) ? pool : 'nowhere'}.${backend}`;
    const response = await fetch(`${this.#node.admin}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ subject, payload }),
    });
    await response.arrayBuffer();
    this.#count(`event ${response.status}`);
    if (response.status >= 500) this.failures.push(`POST /v1/events: ${response.status}`);
  }

  async #batch(): Promise<void> {
    const mode = this.#random.pick(['ready', 'maint'] as const);
    await this.#node.command({ type: 'DefinePool', pool: 'batch' });
    const names = Array.from({ length: BATCH_BACKENDS }, (_, index) => `b-${index}`);
    const { target } = this.#backends[0]!;
    const place = { pool: 'batch' };
    for (let from = 0; from < BATCH_BACKENDS; from += AT_ONCE) {
      const some = names.slice(from, from + AT_ONCE);
      await Promise.all(
        some.map((backend) => this.#node.command({ type: 'RegisterBackend', ...place, backend, target })),
      );
      await Promise.all(some.map((backend) => this.#node.command({ type: 'SetBackendMode', ...place, backend, mode })));
    }
    this.#count('batch');
  }

  /** One steady backend at a time fails its checks. */
  async #flip(): Promise<void> {
    for (const backend of this.#backends) backend.isHealthy = true;
    this.#random.pick(this.#backends).isHealthy = false;
    await sleep(FLIP_MS);
  }

  async #commandLine(): Promise<void> {
    const args = this.#random.pick([
      ['status'],
      ['events', '--limit', '50'],
      ['replay', '--at', '-5s'],
      ['diff', '-10s', 'now'],
      ['explain', 'backend', 'main/steady-0'],
      ['whatif', '--pool', 'main', '--fall', '5'],
      ['decisions'],
      ['backend', 'drain', 'main', 'steady-1'],
      ['backend', 'ready', 'main', 'steady-1'],
      ['--json', 'status'],
    ]);
    const { code, output } = await this.#node.muster(...args);
    this.#count(`muster ${args[0]} ${code}`);
    if (code !== 0 && code !== 1) this.failures.push(`muster ${args.join(' ')}: ${code} ${output.slice(0, 400)}`);
    if (/^ +at .*\(/m.test(output)) this.failures.push(`muster ${args.join(' ')}: ${output.slice(0, 800)}`);
  }

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}
