/**
 * `muster agent`: runs a program that knows nothing of Muster, and is a member in its name.
 *
 *     start ──► its port answers ──► registered ──SIGTERM──► drained ─────--drain──► signal to the program ──► it ends
 *                                        └────────────────── it ends by itself ────────────────────────────────┤
 *                                                                                              deregister ◄────┘
 *
 * The agent ends as its program did. It writes what it does to stderr; stdin and stdout are the program's.
 */
import { hostname } from 'node:os';
import { isName, NAME_RULE, parseTarget, ADDRESS_RULE, messageOf } from '@muster/membership';
import { openPublisher, PublisherError, type Member, type Publisher } from '@muster/publisher';
import { LineOutput } from '@muster/questions/text/line-output';
import { ignoreUnusedSignals, onProgramSignals, onStopSignals } from '../node/stop-signal.ts';
import { startProgram, untilAnswers, type AgentProgram } from './agent-program.ts';
import { CliFailure, EXIT_CODES } from '@muster/cli';

const DEFAULT_SERVERS = 'nats://127.0.0.1:4222';
const START_TIMEOUT_MS = 60_000;
/** Enough for every node to have heard of the drain, not for long connections to finish. */
const DRAIN_MS = 1_000;
/** After this, a wait for the port is worth a line. */
const PATIENCE_MS = 5_000;
/** The same for being registered: what is wrong then is nearly always known at once. */
const JOIN_PATIENCE_MS = 1_000;
/** For the last lines to be read, at the end. */
const LAST_LINES_TIMEOUT_MS = 1_000;
const DEFAULT_CLUSTER = 'default';
/** What a program that never answered is given to end. */
const END_GRACE_MS = 5_000;
const NAME_CHARACTERS_MAX = 64;

export interface AgentOptions {
  readonly pool: string;
  readonly target: string;
  readonly id?: string;
  readonly cluster?: string;
  readonly servers?: string;
  readonly credentials?: string;
  readonly nkey?: string;
  readonly inboxPrefix?: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly weight?: number;
  readonly leaseMs?: number;
  /** Default 60,000. */
  readonly startTimeoutMs?: number;
  /** Default 1,000. */
  readonly drainMs?: number;
}

/** Resolves to the exit code: the program's own, 128 + n for signal n, 1 where it never answered. Throws `CliFailure`. */
export async function runAgent(command: readonly string[], options: AgentOptions): Promise<number> {
  if (parseTarget(options.target) === null) {
    throw new CliFailure('invalid-option', `--target ${options.target}: ${ADDRESS_RULE}`);
  }
  const id = options.id ?? defaultId(options.target);
  for (const [option, name] of Object.entries({ '--pool': options.pool, '--id': id })) {
    if (!isName(name)) throw new CliFailure('invalid-option', `${option} ${name}: ${NAME_RULE}`);
  }
  await using publisher = openAgentPublisher(options);
  const stop = stopRequest();
  ignoreUnusedSignals();
  let forgetPassing = (): void => undefined;
  try {
    const program = startProgram(command);
    forgetPassing = onProgramSignals((signal) => program.kill(signal));
    const agent = new Agent({ program, publisher, stop, options: { ...options, id } });
    return await agent.run();
  } finally {
    stop.forget();
    forgetPassing();
    await output.close(LAST_LINES_TIMEOUT_MS);
  }
}

function openAgentPublisher(options: AgentOptions): Publisher {
  const { MUSTER_NATS_SERVERS } = process.env;
  const { cluster, credentials, nkey, inboxPrefix, tlsCa, tlsCert, tlsKey } = options;
  const tls = {
    ...(tlsCa !== undefined && { caFile: tlsCa }),
    ...(tlsCert !== undefined && { certFile: tlsCert }),
    ...(tlsKey !== undefined && { keyFile: tlsKey }),
  };
  try {
    return openPublisher({
      servers: options.servers ?? (MUSTER_NATS_SERVERS || DEFAULT_SERVERS),
      name: `muster-agent:${options.pool}`,
      log: say,
      ...(cluster !== undefined && { cluster }),
      ...(credentials !== undefined && { credentialsFile: credentials }),
      ...(nkey !== undefined && { nkeySeedFile: nkey }),
      ...(inboxPrefix !== undefined && { inboxPrefix }),
      ...(Object.keys(tls).length > 0 && { tls }),
    });
  } catch (error) {
    throw new CliFailure('invalid-option', messageOf(error));
  }
}

/** `web-7` and `10.0.0.5:8001` give `web-7-8001`: the same after a restart, and another for each port of a host. */
export function defaultId(target: string, host = hostname()): string {
  const address = parseTarget(target);
  const suffix = address === null ? '' : address.kind === 'tcp' ? `-${address.port}` : '-unix';
  const name = host.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-');
  return `${name.slice(0, NAME_CHARACTERS_MAX - suffix.length)}${suffix}`;
}

interface StopRequest {
  /** Resolves with the first signal that ends a process. */
  readonly first: Promise<NodeJS.Signals>;
  /** Resolves with the second. */
  readonly second: Promise<NodeJS.Signals>;
  forget(): void;
}

function stopRequest(): StopRequest {
  const [first, second] = [Promise.withResolvers<NodeJS.Signals>(), Promise.withResolvers<NodeJS.Signals>()];
  let count = 0;
  const forget = onStopSignals((signal) => (count++ === 0 ? first : second).resolve(signal));
  return { first: first.promise, second: second.promise, forget };
}

interface AgentParts {
  readonly program: AgentProgram;
  readonly publisher: Publisher;
  readonly stop: StopRequest;
  readonly options: AgentOptions & { readonly id: string };
}

class Agent {
  readonly #program: AgentProgram;
  readonly #publisher: Publisher;
  readonly #stop: StopRequest;
  readonly #options: AgentParts['options'];
  /** Resolves when there is no more to wait for: the program has ended, or the agent was told to end it. */
  readonly #over: Promise<number | NodeJS.Signals>;

  constructor({ program, publisher, stop, options }: AgentParts) {
    this.#program = program;
    this.#publisher = publisher;
    this.#stop = stop;
    this.#options = options;
    this.#over = Promise.race([program.ended, stop.first]);
    void stop.second.then(() => program.kill('SIGKILL'));
  }

  async run(): Promise<number> {
    const start = await this.#untilProgramAnswers();
    if (start === 'silent') return await this.#endWithoutAnswer();
    const member = start === 'answers' ? await this.#join() : null;
    if (member !== null) void this.#tell(member);
    const over = await this.#over;
    if (typeof over === 'string') await this.#drain(member, over);
    const code = await this.#program.ended;
    const failure = this.#program.failure();
    if (failure !== null) say(failure);
    if (member !== null) await this.#leave(member, code);
    return code;
  }

  /** `silent`: it did not answer in time. `over`: it ended, or the agent was told to end it. */
  async #untilProgramAnswers(): Promise<'answers' | 'silent' | 'over'> {
    const { target, startTimeoutMs = START_TIMEOUT_MS } = this.#options;
    const giveUp = new AbortController();
    const impatient = setTimeout(() => {
      say(`nothing answers at ${target} yet; waiting ${startTimeoutMs} ms in all (--start-timeout)`);
    }, PATIENCE_MS);
    const timer = setTimeout(() => giveUp.abort(), startTimeoutMs);
    const over = this.#over.then(() => 'over' as const);
    const first = await Promise.race([untilAnswers(target, giveUp.signal), over]);
    giveUp.abort();
    clearTimeout(impatient);
    clearTimeout(timer);
    return first === 'over' ? 'over' : first ? 'answers' : 'silent';
  }

  async #endWithoutAnswer(): Promise<number> {
    const { target, startTimeoutMs = START_TIMEOUT_MS } = this.#options;
    say(`nothing answered at ${target} within ${startTimeoutMs} ms; the program is ended`);
    this.#program.kill('SIGTERM');
    const killer = setTimeout(() => this.#program.kill('SIGKILL'), END_GRACE_MS);
    await this.#program.ended;
    clearTimeout(killer);
    return EXIT_CODES.failed;
  }

  /** Null when it was over before it had joined. Throws `CliFailure` where the server does not let it join. */
  async #join(): Promise<Member | null> {
    const { pool, id, target, weight, leaseMs } = this.#options;
    const giveUp = new AbortController();
    void this.#over.then(() => giveUp.abort());
    const impatient = setTimeout(() => {
      const { cluster = DEFAULT_CLUSTER } = this.#options;
      say(`not registered yet, still trying: ${this.#publisher.problem ?? 'no answer'}`);
      say(
        `is "${cluster}" the nodes' cluster (--cluster), are these their NATS servers (--servers), and does a node run?`,
      );
    }, JOIN_PATIENCE_MS);
    try {
      const given = { ...(weight !== undefined && { weight }), ...(leaseMs !== undefined && { leaseMs }) };
      const member = await this.#publisher.join({ pool, id, target, ...given, signal: giveUp.signal });
      return member;
    } catch (error) {
      if (!(error instanceof PublisherError)) throw error;
      if (error.code === 'aborted') return null;
      this.#program.kill('SIGTERM');
      await this.#program.ended;
      throw new CliFailure(error.code, error.message);
    } finally {
      clearTimeout(impatient);
    }
  }

  /** Says what becomes of the member, until it is over. */
  async #tell(member: Member): Promise<void> {
    let verdict: string | null = null;
    for await (const status of member.changes()) {
      if (status.state === 'registering' && verdict === 'accepted') say('the nodes had lost it; registering again');
      if (status.state === 'registered') verdict = await this.#tellVerdict(member, verdict);
      if (status.state === 'removed') {
        const by = status.origin ?? 'somebody';
        say(`${by} took it out at revision ${status.revision} (${status.reason ?? 'no reason given'}); it stays out`);
      }
    }
  }

  /** What the nodes made of it; the same is said once. Resolves to what it was. */
  async #tellVerdict(member: Member, before: string | null): Promise<string> {
    const { target, cluster = DEFAULT_CLUSTER } = this.#options;
    const name = `${member.pool}/${member.id}`;
    const verdict = await member.verdict();
    // A member that leaves meanwhile has nobody to hear a verdict.
    if (member.state !== 'registered' || verdict.outcome === before) return verdict.outcome;
    switch (verdict.outcome) {
      case 'accepted':
        say(`registered ${name} at ${target}`);
        break;
      case 'rejected':
        say(
          `not registered: the nodes reject ${name} (${verdict.reason}): ${verdict.message}; it tries again by itself`,
        );
        break;
      case 'unanswered':
        say(`${name} is recorded, and no node says so: does one run, and is "${cluster}" its cluster (--cluster)?`);
        break;
    }
    return verdict.outcome;
  }

  /** Lets go of new connections first, and only then ends the program. */
  async #drain(member: Member | null, signal: NodeJS.Signals): Promise<void> {
    const { drainMs = DRAIN_MS } = this.#options;
    if (member !== null && member.state !== 'removed') {
      const { outcome } = await member.drain(signal);
      say(outcome === 'acknowledged' ? `draining for ${drainMs} ms` : `could not say that it drains: ${outcome}`);
      const waited = Promise.withResolvers<void>();
      const timer = setTimeout(waited.resolve, drainMs);
      await Promise.race([waited.promise, this.#program.ended, this.#stop.second]);
      clearTimeout(timer);
    }
    this.#program.kill(signal);
  }

  async #leave(member: Member, code: number): Promise<void> {
    const outcome = await member.leave(`the program ended with ${code}`);
    if (outcome.outcome === 'acknowledged') say(`deregistered; the program ended with ${code}`);
    else say(`the program ended with ${code}; not deregistered, its lease will run out: ${outcome.message}`);
  }
}

const STDERR = 2;
/** Without waiting for whoever reads it, and harmless to a terminal. */
const output = new LineOutput({ fd: STDERR, characters: 'utf8' });

function say(text: string): void {
  output.write(`muster agent: ${text}\n`);
}
