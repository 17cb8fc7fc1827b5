/**
 * What the node's config declares, and its way into the roster: at the start, again for another history, and again when SIGHUP asks
 * for the file to be read once more. One at a time, in the order of asking.
 *
 * A file that is broken, belongs to another node, or declares nothing any more changes nothing: an editor that is just saving, or a
 * disk that is full, leaves such files behind.
 */
import type { NodeHandle } from '@muster/actors';
import { messageOf } from '@muster/membership';
import { type DeclaredRoster, formatProblem, type LoadedConfig, type NodeConfig, settingChanges } from '@muster/config';
import type { Log } from '../log/log.ts';

type Successor = Pick<NodeHandle, 'roster' | 'execute'>;

export interface AppliedConfigOptions {
  readonly running: NodeConfig;
  readonly declared: DeclaredRoster;
  /** Reads the file again; null where there is none. */
  readonly load: (() => Promise<LoadedConfig>) | null;
  /** As `applyConfig`. `isAsked`: a person has asked for this config to be applied, now or before. */
  readonly apply: (declared: DeclaredRoster, options: { readonly isAsked: boolean }) => Promise<boolean>;
  /** As `applyAhead`: writes it into another history, before that is adopted. */
  readonly applyAhead: (
    declared: DeclaredRoster,
    options: { readonly successor: Successor; readonly isAsked: boolean },
  ) => Promise<void>;
  readonly log: Log;
}

export class AppliedConfig {
  readonly #options: AppliedConfigOptions;
  #declared: DeclaredRoster;
  #turn: Promise<unknown> = Promise.resolve();
  /** True from a wish to read the file again until it is read, so that a hundred wishes are one. */
  #isWished = false;
  #isAsked = false;

  constructor(options: AppliedConfigOptions) {
    this.#options = options;
    this.#declared = options.declared;
  }

  /** Resolves when everything was appended or refused, or the node stops. */
  async apply(): Promise<void> {
    await this.#inTurn(() => this.#options.apply(this.#declared, { isAsked: this.#isAsked }));
  }

  /** Writes it into another history before that is adopted. It does not wait for its turn: a turn may wait for the served one. */
  applyAhead(successor: Successor): Promise<void> {
    return this.#options.applyAhead(this.#declared, { successor, isAsked: this.#isAsked });
  }

  /** Reads the file again, and applies it where it is right. What comes of it is in the log. */
  reload(): void {
    const { load, log } = this.#options;
    if (load === null) return log.info({}, 'SIGHUP: this node has no config file to read again');
    if (this.#isWished) return;
    this.#isWished = true;
    void this.#inTurn(() => this.#readAgain(load)).catch((err: unknown) => {
      log.error({ err }, `SIGHUP: the config could not be applied: ${messageOf(err)}`);
    });
  }

  #inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(act);
    // Whoever asked for that turn hears of its failure; the next one does not care.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #readAgain(load: () => Promise<LoadedConfig>): Promise<void> {
    const { running, log, apply } = this.#options;
    this.#isWished = false;
    const loaded = await load();
    const refusals = loaded.outcome === 'broken' ? loaded.problems.map(formatProblem) : this.#refusals(loaded);
    for (const refusal of refusals) log.error({}, `SIGHUP: the config is not applied: ${refusal}`);
    if (loaded.outcome === 'broken' || refusals.length > 0) return;
    this.#declared = loaded.declared;
    this.#isAsked = true;
    if (!(await apply(loaded.declared, { isAsked: true }))) return;
    const needs = settingChanges(running.settings, loaded.node.settings).map(({ field }) => field);
    const rest = needs.length === 0 ? '' : `; what has changed of ${needs.join(', ')} needs a restart`;
    log[needs.length === 0 ? 'info' : 'warn']({ needs }, `SIGHUP: the config was read again and applied${rest}`);
  }

  #refusals({ node, declared }: Extract<LoadedConfig, { outcome: 'loaded' }>): string[] {
    const { running } = this.#options;
    if (node.id !== running.id) return [`it is the config of node ${node.id}, and this is ${running.id}`];
    if (!isEmpty(declared) || isEmpty(this.#declared)) return [];
    return ['it declares no pool and no listener any more; to remove everything, use "muster apply"'];
  }
}

function isEmpty({ pools, listeners }: DeclaredRoster): boolean {
  return pools.length === 0 && listeners.length === 0;
}
