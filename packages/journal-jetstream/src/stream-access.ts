/**
 * The journal's stream on the server: made or looked up at the first contact, checked, and then asked.
 *
 * The first contact may be long after the journal was opened, because a node starts without NATS. So every call goes
 * through `manager`, which makes the check where it has not passed yet. After it passed, a stream that is gone stays
 * gone until `renew`: making it anew loses what was in it, and that is a person's decision.
 *
 * Everything throws `JournalError`: `refused` when the stream or the server must not be used, else `failed`.
 */
import { JournalError } from '@muster/journal';
import type { NatsLink } from '@muster/nats';
import { jetstreamManager, type JetStreamManager, type StoredMsg, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { leaderWord, type LeaderWord } from './leader-word.ts';
import {
  isJetStreamOff,
  isNoResponders,
  isStreamNotFound,
  isTimeout,
  isTooFewServers,
  isWithoutCluster,
  journalErrorOf,
  natsMessageOf,
  permissionViolation,
} from './nats-failure.ts';
import {
  refuseMadeStream,
  refuseServer,
  refuseStream,
  streamName,
  streamWarnings,
  wantedStream,
  type StreamRequest,
} from './stream-config.ts';

/** An answer that takes longer has failed. Short, because whoever asks asks again. */
const REQUEST_TIMEOUT_MS = 500;
/** Cutting a stream of three copies, and storing what is large, takes longer than a question. */
const CHANGE_TIMEOUT_MS = 5_000;
/**
 * Who asks for a stream that another node is making is not answered at all (2.15.1, three copies). So making it is asked with
 * the short patience, it is looked for after each time, and both go on for at most 10 s.
 */
const MAKE_ATTEMPTS = 10;

export interface StreamAccessOptions extends StreamRequest {
  readonly link: NatsLink;
  readonly log: (line: string) => void;
}

export class StreamAccess {
  readonly name: string;
  /** For example `muster.demo.`. */
  readonly subjectPrefix: string;
  readonly link: NatsLink;
  readonly #options: StreamAccessOptions;
  readonly #managers = new WeakMap<NatsConnection, Promise<{ ask: JetStreamManager; change: JetStreamManager }>>();
  #isChecked = false;
  #checking: Promise<void> | null = null;
  #warnings: readonly string[] = [];
  #failure: string | null = null;

  constructor(options: StreamAccessOptions) {
    this.#options = options;
    this.link = options.link;
    this.name = streamName(options.cluster);
    this.subjectPrefix = `muster.${options.cluster}.`;
  }

  /** In what the stream differs harmlessly from the config. Empty until the first contact. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** For people: why NATS or the stream did not answer when it was asked last; null where it did, or was not asked yet. */
  get awayReason(): string | null {
    return this.link.awayReason ?? this.#failure;
  }

  /** Passes once the stream was found fit; asks again as long as it was not. */
  async ready(): Promise<void> {
    if (this.#isChecked) return;
    this.#checking ??= this.#check().finally(() => (this.#checking = null));
    await this.#checking;
  }

  /** Epoch, first and newest revision, copies. Throws where the leader is not backed by a majority. */
  async info(): Promise<StreamInfo> {
    return (await this.word()).info;
  }

  /** The same, with how long ago the leader was backed. */
  async word(): Promise<LeaderWord> {
    await this.ready();
    const word = leaderWord(await this.#ask('its state', ({ ask }) => ask.streams.info(this.name)));
    if (typeof word !== 'string') return word;
    throw this.#failed(new JournalError('failed', `the journal ${this.name} cannot be believed: ${word}`));
  }

  /** One stored message, from the stream's leader; null where there is none. */
  async message(
    query: { seq: number } | { last_by_subj: string } | { seq: number; next_by_subj: string },
  ): Promise<StoredMsg | null> {
    await this.ready();
    return this.#ask('a message', ({ ask }) => ask.streams.getMessage(this.name, query as { seq: number }));
  }

  /** Whether there is an event after a revision, by the leader's word. */
  async hasEventAfter(revision: number): Promise<boolean> {
    return (await this.message({ seq: revision + 1, next_by_subj: `${this.subjectPrefix}>` })) !== null;
  }

  /**
   * Whether what a reader was sent after `cursor` is whole: the server passes over what is cut while it is being read, without a
   * word. Throws `compacted` there. A message that was removed by itself, by hand, is not missed.
   */
  async expectWhole(cursor: number, sent: readonly { readonly revision: number }[]): Promise<void> {
    const index = sent.findIndex(({ revision }, place) => revision !== cursor + 1 + place);
    if (index === -1) return;
    const wanted = cursor + 1 + index;
    const { first_seq: first } = (await this.info()).state;
    if (wanted >= first) return;
    const missing = `events ${wanted} to ${first - 1}`;
    throw new JournalError('compacted', `the stream ${this.name} has no ${missing} any more; begin with a snapshot`);
  }

  /** Removes everything before a revision. */
  async cutBefore(revision: number): Promise<void> {
    await this.#ask('cutting it', ({ change }) => change.streams.purge(this.name, { seq: revision }));
  }

  /** See `Journal.renew`. */
  async renew(): Promise<void> {
    this.#isChecked = false;
    await this.ready();
  }

  connection(): NatsConnection {
    const { connection, awayReason } = this.link;
    if (connection !== null) return connection;
    throw new JournalError('failed', `the journal ${this.name} is away: ${awayReason ?? 'NATS is not connected'}`);
  }

  /** The API with a short patience. */
  async manager(): Promise<JetStreamManager> {
    return (await this.#apis()).ask;
  }

  /** The API for what takes longer: making, purging, storing. */
  async changer(): Promise<JetStreamManager> {
    return (await this.#apis()).change;
  }

  #apis(): Promise<{ ask: JetStreamManager; change: JetStreamManager }> {
    const connection = this.connection();
    let managers = this.#managers.get(connection);
    if (managers === undefined) {
      const open = (timeout: number) => jetstreamManager(connection, { checkAPI: false, timeout });
      managers = Promise.all([open(REQUEST_TIMEOUT_MS), open(CHANGE_TIMEOUT_MS)]).then(([ask, change]) => ({
        ask,
        change,
      }));
      this.#managers.set(connection, managers);
    }
    return managers;
  }

  async #ask<Answer>(
    what: string,
    question: (apis: { ask: JetStreamManager; change: JetStreamManager }) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      const answer = await question(await this.#apis());
      this.#failure = null;
      return answer;
    } catch (error) {
      if (isStreamNotFound(error)) throw this.#failed(this.#goneError(error));
      throw this.#failed(journalErrorOf(error, `the journal ${this.name} does not answer for ${what}`));
    }
  }

  #failed(error: JournalError): JournalError {
    this.#failure = error.message;
    return error;
  }

  #goneError(cause: unknown): JournalError {
    const remedy = '`muster adopt-epoch` makes it anew, empty';
    return new JournalError('failed', `the stream ${this.name} was deleted; ${remedy}`, cause);
  }

  async #check(): Promise<void> {
    const { cluster, replicas, log } = this.#options;
    try {
      this.#refuse(refuseServer(this.#serverVersion(), replicas));
      const wanted = wantedStream(this.#options);
      const { config } = (await this.#find()) ?? (await this.#make(wanted));
      this.#refuse(refuseStream(config, cluster));
      this.#refuse(refuseServer(this.#serverVersion(), config.num_replicas));
      this.#warnings = streamWarnings(config, wanted);
      for (const warning of this.#warnings) log(warning);
      this.#isChecked = true;
      this.#failure = null;
    } catch (error) {
      throw this.#failed(this.#openError(error));
    }
  }

  async #find(): Promise<StreamInfo | null> {
    const { ask } = await this.#apis();
    try {
      return await ask.streams.info(this.name);
    } catch (error) {
      if (isStreamNotFound(error)) return null;
      throw error;
    }
  }

  async #make(wanted: ReturnType<typeof wantedStream>, attemptsLeft = MAKE_ATTEMPTS): Promise<StreamInfo> {
    const { ask } = await this.#apis();
    try {
      const made = await ask.streams.add(wanted);
      this.#refuse(refuseMadeStream(wanted, made.config));
      return made;
    } catch (error) {
      this.#refuse(this.#whyNeverMade(error));
      // Another node may have made it at the same moment, with a config of its own: then that one is checked.
      const found = await this.#find();
      if (found !== null) return found;
      if (!isTimeout(error) || attemptsLeft <= 1) throw error;
      return this.#make(wanted, attemptsLeft - 1);
    }
  }

  #whyNeverMade(error: unknown): string | null {
    if (permissionViolation(error) !== null) {
      const remedy = 'let a node that may make it start first, or permit this one';
      return `the stream ${this.name} is not there, and NATS does not permit this user to make it; ${remedy}`;
    }
    if (!isWithoutCluster(error)) return null;
    const { replicas } = this.#options;
    const remedy = 'run NATS as a cluster of at least as many servers, or set replicas = 1';
    return `replicas = ${replicas}, but the NATS server is not part of a cluster and keeps one copy only; ${remedy}`;
  }

  #serverVersion(): string {
    return this.connection().info?.version ?? '';
  }

  #refuse(reason: string | null): void {
    if (reason !== null) throw new JournalError('refused', reason);
  }

  #openError(error: unknown): JournalError {
    const isOff = isJetStreamOff(error) || (isNoResponders(error) && this.link.connection?.info?.jetstream !== true);
    if (isOff) {
      const message = `JetStream is not enabled on the NATS server for this account; enable it (jetstream in its config)`;
      return new JournalError('refused', message, error);
    }
    if (isTooFewServers(error)) {
      const { replicas } = this.#options;
      const remedy = 'start the others, give them room, or set fewer replicas';
      const message = `the NATS cluster has no place for ${replicas} copies of the stream ${this.name} (${natsMessageOf(error)}); ${remedy}`;
      return new JournalError('failed', message, error);
    }
    return journalErrorOf(error, `the journal ${this.name} cannot be opened`);
  }
}
