/**
 * `muster import`: publishes again what was listed or exported, each thing under the origin that owned it, so that the same configs
 * and people own it afterwards. Every such event says who imported it.
 *
 * It adds what is missing and leaves what is there: a restore into a roster that somebody works with is no reason to undo that
 * work. With `replace` it is made as the file says.
 */
import { open } from 'node:fs/promises';
import type { Command, ListenerSpec, PoolSpec } from '@muster/membership';
import type { BackendView, RosterView } from '@muster/questions/roster';
import { printable, writeError } from '@muster/questions/text';
import {
  type Compared,
  type DefiningCommand,
  type EntityKind,
  type ImportedBackend,
  type ImportedRoster,
  type ImportReading,
  isEffective,
  planEntity,
  planLines,
  type PlanStep,
  readRoster,
  readTextFile,
  rosterOf,
} from '@muster/config';
import { personOrigin } from './admin-client.ts';
import { CliFailure, EXIT_CODES } from './cli-failure.ts';
import { type Session } from './session.ts';

/** A listing of 10,000 backends has some 10 MB. */
const LISTING_BYTES_MAX = 268_435_456;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

export interface ImportOptions {
  readonly dryRun?: boolean;
  /** What is there and differs is made as the file says. */
  readonly replace?: boolean;
}

interface ImportStep {
  readonly step: PlanStep;
  /** Who is to own it; the importer where nobody was named. */
  readonly origin: string;
}

/** Resolves to the exit code: 1 where something was left as it is although the file says otherwise. */
export async function importFile(session: Session, file: string, options: ImportOptions): Promise<number> {
  const { dryRun = false, replace = false } = options;
  const imported = await readImported(file);
  const present = await session.client.get<RosterView>('/v1/roster');
  const by = personOrigin();
  const steps = planImport(present, imported, { by, replace });
  const revisions = dryRun ? [] : await append(session, steps);
  const owners = [...new Set(steps.map(({ origin }) => origin))].toSorted();
  const done = dryRun
    ? 'dry run: nothing was appended'
    : `appended ${revisions.length} events for ${owners.length === 0 ? 'nobody' : owners.join(', ')}, each marked as imported by ${by}`;
  const lines = [...planLines(steps.map(({ step }) => step)), done];
  const plain = steps.map(({ step, origin }) => ({ ...step, origin }));
  await session.print({ dryRun, by, steps: plain, revisions }, lines.map(printable));
  const isLeft = steps.some(({ step }) => step.action === 'left-alone');
  if (isLeft && !session.isJson) writeError('muster: --replace makes what is left alone as the file says it');
  return isLeft ? EXIT_CODES.failed : EXIT_CODES.ok;
}

async function readImported(file: string): Promise<ImportedRoster> {
  const reading = (await isIncident(file)) ? rosterOf(await incidentState(file)) : await readListing(file);
  if (reading.outcome === 'read') return reading.roster;
  throw new CliFailure('unreadable-file', `${file} cannot be imported: ${reading.why}`);
}

async function readListing(file: string): Promise<ImportReading> {
  const tooLargeFix = 'list one pool after the other';
  const reading = await readTextFile(file, { bytesMax: LISTING_BYTES_MAX, tooLargeFix });
  if (reading.outcome === 'read') return readRoster(reading.text);
  return { outcome: 'refused', why: `${reading.what}; ${reading.fix}` };
}

async function isIncident(file: string): Promise<boolean> {
  if (file === '-') return false;
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.equals(GZIP_MAGIC);
  } catch {
    // Whoever reads it next says what is wrong with it.
    return false;
  }
}

/** The roster at the file's end. */
async function incidentState(file: string): Promise<unknown> {
  const [{ askFile }, { stateQuestion }] = await Promise.all([import('./ask.ts'), import('@muster/questions')]);
  return await askFile(file, stateQuestion, { at: 'now' });
}

interface ImportAuthor {
  readonly by: string;
  readonly replace: boolean;
}

/** Pools before what is in them, and those before the listeners that lead there. */
function planImport(
  present: RosterView,
  { pools, listeners, backends }: ImportedRoster,
  author: ImportAuthor,
): ImportStep[] {
  const poolById = new Map(present.pools.map((pool) => [pool.id, pool]));
  const listenerById = new Map(present.listeners.map((listener) => [listener.id, listener]));
  const presentBackends = present.pools.flatMap((pool) => pool.backends);
  const backendByName = new Map(presentBackends.map((backend) => [nameOf(backend), backend]));
  const members = [...pools.flatMap((pool) => pool.backends), ...backends];
  return [
    ...pools.map((pool) => planSpec({ kind: 'pool', present: poolById.get(pool.id), ...pool }, author)),
    ...members.map((backend) => planBackend(backend, backendByName.get(nameOf(backend)), author)),
    ...members.flatMap((backend) => planMode(backend, backendByName.get(nameOf(backend)), author)),
    ...listeners.map((one) => planSpec({ kind: 'listener', present: listenerById.get(one.id), ...one }, author)),
  ];
}

function nameOf({ pool, id }: { readonly pool: string; readonly id: string }): string {
  return `${pool}/${id}`;
}

type WithSpec = { readonly id: string; readonly origin: string | null } & (
  | { readonly kind: 'pool'; readonly spec: PoolSpec; readonly present: RosterView['pools'][number] | undefined }
  | {
      readonly kind: 'listener';
      readonly spec: ListenerSpec;
      readonly present: RosterView['listeners'][number] | undefined;
    }
);

function planSpec({ id, origin, ...thing }: WithSpec, author: ImportAuthor): ImportStep {
  const { kind, spec, present } = thing;
  const command: DefiningCommand =
    thing.kind === 'pool'
      ? { type: 'DefinePool', pool: id, ...thing.spec, by: author.by }
      : { type: 'DefineListener', listener: id, ...thing.spec, by: author.by };
  const before = present === undefined ? null : { ...present, fields: present.spec };
  return planned({ kind, name: id, command }, { before, after: spec }, { ...author, origin });
}

function planBackend(backend: ImportedBackend, present: BackendView | undefined, author: ImportAuthor): ImportStep {
  const { pool, id, target, weight, leaseMs, origin } = backend;
  const after = { target, weight, ...(leaseMs !== null && leaseMs !== undefined && { leaseMs }) };
  const command = { type: 'RegisterBackend', pool, backend: id, ...after, by: author.by } as const;
  const fields = present && {
    target: present.target,
    weight: present.weight,
    ...(present.leaseMs !== null && { leaseMs: present.leaseMs }),
  };
  const before = present === undefined || fields === undefined ? null : { ...present, fields };
  return planned({ kind: 'backend', name: nameOf(backend), command }, { before, after }, { ...author, origin });
}

/** What is there already is left alone, unless it is the same or is to be replaced; and so is its owner. */
function planned(
  entity: { readonly kind: EntityKind; readonly name: string; readonly command: DefiningCommand },
  compared: Compared,
  { origin, by, replace }: ImportAuthor & { readonly origin: string | null },
): ImportStep {
  const owner = origin ?? by;
  const step = planEntity(entity, compared, { origin: owner, takesOver: replace });
  // Its own earlier word may be newer than the file.
  if (step.action !== 'change' || replace) return { step, origin: owner };
  const { kind, name, changes } = step;
  const why = `it differs from the file, by ${owner}`;
  return { step: { action: 'left-alone', kind, name, changes, why, canBeTaken: true }, origin: owner };
}

/** A new backend is ready; what somebody drained stays drained, and whose drain it is. */
function planMode(
  { pool, id, mode }: ImportedBackend,
  present: BackendView | undefined,
  author: ImportAuthor,
): ImportStep[] {
  const isThere = (present?.mode.value ?? 'ready') === mode.value;
  if (isThere || (present !== undefined && !author.replace)) return [];
  const command: Command = {
    type: 'SetBackendMode',
    pool,
    backend: id,
    mode: mode.value,
    ...(mode.reason !== null && { reason: mode.reason }),
    by: author.by,
  };
  const changes = [{ field: 'mode', from: present?.mode.value ?? 'ready', to: mode.value }];
  const step: PlanStep = { action: 'change', kind: 'backend', name: `${pool}/${id}`, changes, command };
  return [{ step, origin: mode.origin ?? author.by }];
}

async function append({ client }: Session, steps: readonly ImportStep[]): Promise<number[]> {
  const revisions: number[] = [];
  for (const { step, origin } of steps) {
    if (!isEffective(step)) continue;
    try {
      revisions.push((await client.post<{ revision: number }>('/v1/commands', step.command, origin)).revision);
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      const message = `${step.kind} ${step.name}: ${error.message}; ${revisions.length} step(s) were done before and stay`;
      throw new CliFailure(error.code, message, error.suggestion);
    }
  }
  return revisions;
}
