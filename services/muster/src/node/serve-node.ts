/**
 * The composition root: one node, from its open journal to its exit code.
 *
 *     journal ─► node (actors) ─► workers          started in this order,
 *                  ▲    └─► log, admin API         stopped in the reverse one
 *              config applied, once the node has caught up
 *
 * A node that starts on its local snapshot serves before it has caught up. It counts as ready from then on; its config is
 * applied once the journal is there, and again whenever another history takes the place of the one that it served.
 */
import { coarseClock, type NodeHandle, startNode } from '@muster/actors';
import { type NodeConfig, notInForce } from '@muster/config';
import { messageOf } from '@muster/membership';
import { VERSION } from '@muster/membership/version';
import { type ObservationStore, openObservationStore } from '@muster/observations';
import { writeError } from '@muster/questions/text';
import { type CachingResolver, NodeTargetGuard, systemDialler } from '@muster/transport';
import { type Log, type LogFormat, openLog, type OpenLog } from '../log/log.ts';
import { logMembership } from '../log/membership-log.ts';
import { loggedResolver } from '../log/name-outages.ts';
import type { RunningAdmin } from './admin-endpoint.ts';
import { AppliedConfig } from './applied-config.ts';
import { applyAhead, applyConfig } from './apply-config.ts';
import type { OpenJournal } from './open-journal.ts';
import { openListeningSocket, OwnSockets } from './own-sockets.ts';
import type { RunNodeOptions } from './run-node.ts';
import { configuredProbes } from './start-probe.ts';
import { ignoreUnusedSignals, onReloadSignal, stopSignal } from './stop-signal.ts';
import { noticeWaiting } from '../log/membership-log.ts';
import type { WorkerProcesses } from './worker-processes.ts';

export interface ServeNodeOptions extends RunNodeOptions {
  readonly opened: OpenJournal;
  readonly workers: WorkerProcesses;
  readonly log: Log;
}

/** Probes are started in batches this far apart: one wake-up for many costs half the CPU of one for each. */
const CLOCK_TICK_MS = 50;

const STDOUT = 1;

/** The node's log on stdout, which also tells of what nobody caught, before that ends the process. */
export function openNodeLog(config: NodeConfig, format: LogFormat): OpenLog {
  const opened = openLog({ level: config.logLevel, format, node: config.id, fd: STDOUT });
  endWithUncaught(opened);
  return opened;
}

/**
 * Serves until SIGTERM or SIGINT, then stops everything, the journal included. Resolves to the exit code: 1 where another process was
 * the node that this one should have been.
 */
export async function serveNode(options: ServeNodeOptions): Promise<number> {
  const { config, opened, log } = options;
  for (const warning of config.warnings) log.warn({}, warning);
  const observations = config.observations && openObservationStore({ ...config.observations, log });
  options.workers.recording.keepIn(observations);
  const guard = new NodeTargetGuard(config.targets);
  const sockets = new OwnSockets((addresses) => {
    guard.setOwn(addresses);
    options.workers.setOwnAddresses(addresses);
  });
  sockets.holdConfigured(config);
  const resolver = loggedResolver(config.resolver, (level, fields, text) => log[level](fields, text));
  const node = startConfiguredNode(options, { observations, resolver, guard, sockets });
  // The HTTP server is a third of all code that is loaded: the workers and the journal start meanwhile.
  const { startAdmin } = await import('./admin-endpoint.ts');
  let isReady = false;
  const admin = await startAdmin({
    node,
    config,
    log,
    isConfigApplied: () => isReady,
    decisions: options.workers.decisions,
    recording: options.workers.recording,
    observations,
    refusalOf: (target) => guard.verdictOn(target)?.reason ?? null,
    journalDamage: opened.damage,
    probedNames: () => resolver.stats().failing,
  });
  if (admin?.outcome === 'listening') sockets.hold(admin.address, 'admin');
  if (admin?.outcome === 'failed') {
    await node.stop({ drainTimeoutMs: 0, reason: 'the admin address is taken' });
    resolver.close();
    await observations?.close();
    await opened.close();
    writeError(`muster: ${admin.reason}`);
    return 1;
  }
  const { stoodBack } = await serveUntilStopped(node, { ...options, onReady: () => (isReady = true) });
  await shutDown({ opened, observations, resolver, admin, log });
  if (stoodBack === null) return 0;
  writeError(`muster: stopped while ${stoodBack}`);
  return 1;
}

interface NodeSurroundings extends Pick<Running, 'observations' | 'resolver'> {
  readonly guard: NodeTargetGuard;
  readonly sockets: OwnSockets;
}

function startConfiguredNode(
  { config, opened, workers, log }: ServeNodeOptions,
  { observations, resolver, guard, sockets }: NodeSurroundings,
): NodeHandle {
  const { journal, live, localSnapshot, adoptionStore } = opened;
  return startNode({
    node: config.id,
    cluster: config.cluster,
    journal,
    live,
    localSnapshot,
    adoptionStore,
    observations,
    version: VERSION,
    workers: config.workers,
    clock: coarseClock({ tickMs: CLOCK_TICK_MS }),
    startProbe: configuredProbes(systemDialler({ resolver, guard })),
    openSocket: sockets.held(openListeningSocket),
    spawnWorker: workers.spawn,
    log,
    bound: sockets.bound,
    onNeighbours: sockets.setNeighbours,
  });
}

interface ServeOptions extends ServeNodeOptions {
  /** The node serves what it should, or as near to it as it can come without its journal. */
  readonly onReady: () => void;
}

/** `stoodBack`: why this process was not its node when it was told to stop; null where it was. */
async function serveUntilStopped(
  node: NodeHandle,
  options: ServeOptions,
): Promise<{ readonly stoodBack: string | null }> {
  const { log, opened } = options;
  const stopping = stopSignal();
  const applied = appliedConfig(node, options);
  const endings = [
    logMembership(node, log),
    noticeWaiting(node, { awayReason: opened.awayReason, log }),
    onReloadSignal(() => applied.reload()),
    ignoreUnusedSignals((signal) => log.warn({ signal }, `${signal} means nothing to this program; ${SIGNALS_HELP}`)),
  ];
  const serving = applyAndServe(node, { ...options, applied }).catch((err: unknown) => {
    log.error({ err }, 'the node stopped before it served');
  });
  const signal = await stopping.first;
  const { drainTimeoutMs } = options.config;
  const { state, reason } = node.status().name;
  log.info({ signal }, `${signal}: draining for at most ${drainTimeoutMs / 1_000} s; a second signal ends it at once`);
  await Promise.race([node.stop({ drainTimeoutMs, reason: signal }), stopping.second]);
  await node.stop({ drainTimeoutMs: 0, reason: signal });
  await serving;
  for (const end of endings) end();
  stopping.forget();
  return { stoodBack: state === 'standing-back' ? reason : null };
}

const SIGNALS_HELP = 'SIGTERM drains and ends it, SIGHUP reads the config again';

function appliedConfig(node: NodeHandle, { config, declared, load, log }: ServeOptions): AppliedConfig {
  const origin = `config:${config.id}`;
  return new AppliedConfig({
    running: config,
    declared,
    load: load ?? null,
    apply: (newest, { isAsked }) => applyConfig({ node, declared: newest, origin, isAsked, log }),
    applyAhead: (newest, { successor, isAsked }) =>
      applyAhead({ node, declared: newest, origin, isAsked, log }, successor),
    log,
  });
}

interface ApplyOptions extends ServeOptions {
  readonly applied: AppliedConfig;
}

async function applyAndServe(node: NodeHandle, options: ApplyOptions): Promise<void> {
  const { applied, log, onReady, onServing } = options;
  node.onAdopting((successor) => applied.applyAhead(successor));
  await Promise.race([node.ready(), node.caughtUp()]);
  if (node.status().isFromLocalSnapshot) {
    onReady();
    logServing(node, log, 'its last local snapshot; the config is applied once the journal is there');
    await node.caughtUp();
  }
  await node.nameHeld();
  await applied.apply();
  node.onEpochAdopted(() => void applyAgain(applied, log));
  onReady();
  await node.ready();
  logServing(node, log);
  logNotInForce(node, options);
  onServing?.(node);
}

/** A listener whose address is taken has said so; that the node serves all the same is no reason to overlook it. */
function logNotInForce(node: NodeHandle, { declared, log }: ServeOptions): void {
  const wrong = notInForce(node.status(), declared);
  for (const { kind, name, why } of wrong) log.error({ kind, name }, `config: ${kind} ${name} is not in force: ${why}`);
}

async function applyAgain(applied: AppliedConfig, log: Log): Promise<void> {
  log.warn({}, 'another history was adopted: what is missing there of the config is applied');
  await applied.apply().catch((err: unknown) => log.error({ err }, 'the config could not be applied'));
}

function logServing(node: NodeHandle, log: Log, source?: string): void {
  const { revision, hash, workers } = node.status();
  const from = source === undefined ? '' : `, from ${source}`;
  log.info(
    { revision, hash },
    `serving at revision ${revision} (hash ${hash}) with ${workers.length} worker(s)${from}`,
  );
}

interface Running {
  readonly opened: OpenJournal;
  readonly observations: ObservationStore | null;
  /** The probes'. */
  readonly resolver: CachingResolver;
  readonly admin: RunningAdmin | null;
  readonly log: Log;
}

async function shutDown({ opened, observations, resolver, admin, log }: Running): Promise<void> {
  // A question under way would keep the process for as long as a name server may take.
  resolver.close();
  await admin?.close();
  await observations?.close();
  await opened.close();
  log.info({}, 'stopped');
}

/** How long the last line of a process with a defect may take to be written. */
const LAST_LINE_TIMEOUT_MS = 1_000;

/**
 * What nobody caught in the control process is a defect, after which nothing that it believes can be relied on. It is logged with its
 * stack, and the process ends with exit code 1, for whatever supervises it to start another. Its workers notice that it is gone:
 * they stop accepting, and their open connections have 30 s to finish.
 */
function endWithUncaught({ log, close }: Pick<OpenLog, 'log' | 'close'>): void {
  let isEnding = false;
  const end = async (): Promise<void> => {
    isEnding = true;
    await close(LAST_LINE_TIMEOUT_MS);
    process.exit(1);
  };
  // A promise that was rejected and not handled comes here too.
  process.on('uncaughtException', (err: unknown) => {
    log.error({ err }, `the node has a defect and ends: ${messageOf(err)}`);
    if (!isEnding) void end();
  });
}
