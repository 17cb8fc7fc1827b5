/** `muster replay`, `diff`, `explain`, `export`: what each asks and how its answer is shown. */
import { text as allOf } from 'node:stream/consumers';
import { CliFailure } from '../cli-failure.ts';
import type { Session } from '../session.ts';
import type { WhatIfQuery } from '@muster/questions';
import { accessPast } from './past-access.ts';

interface FromFile {
  /** An incident file in place of the node. */
  readonly file?: string;
}

export interface ReplayCommandOptions extends FromFile {
  readonly step?: boolean;
  /** Of `step`: where the span begins. */
  readonly from?: string;
  readonly at?: string;
  readonly node?: string;
  readonly pool?: string;
}

export async function replayCommand(session: Session, options: ReplayCommandOptions): Promise<void> {
  if (options.step === true) {
    const { stepThrough } = await import('../step/step-command.ts');
    return stepThrough(session, options);
  }
  if (options.from !== undefined) {
    throw new CliFailure('invalid', '--from is where --step begins; for the state at a moment give --at');
  }
  return showState(session, options);
}

async function showState(session: Session, { file, at = 'now', node, pool }: ReplayCommandOptions): Promise<void> {
  await using past = await accessPast(session, file);
  const state = await past.state({ at, node, pool });
  const { stateLines } = await import('@muster/questions/state');
  await session.print(state, stateLines(state, { isOnePool: pool !== undefined }));
}

export interface DiffCommandOptions extends FromFile {
  readonly from: string;
  readonly to: string;
  readonly node?: string;
}

export async function showDiff(session: Session, { file, from, to, node }: DiffCommandOptions) {
  await using past = await accessPast(session, file);
  const diff = await past.diff({ from, to, node });
  const { diffLines } = await import('@muster/questions/diff');
  await session.print(diff, diffLines(diff));
}

export interface ExplainBackendOptions extends FromFile {
  /** `POOL/ID`. */
  readonly name: string;
  readonly at?: string;
  readonly node?: string;
}

export async function explainBackendCommand(session: Session, { file, name, at = 'now', node }: ExplainBackendOptions) {
  const [pool = '', backend = '', ...rest] = name.split('/');
  if (pool === '' || backend === '' || rest.length > 0) {
    throw new CliFailure(
      'invalid',
      `"${name.slice(0, 140)}" names no backend; give POOL/ID, for example spells/spells-1`,
    );
  }
  await using past = await accessPast(session, file);
  const explanation = await past.backend({ pool, backend, at, node });
  const { backendExplanationLines } = await import('@muster/questions/backend');
  await session.print(explanation, backendExplanationLines(explanation));
}

export interface ExplainRequestOptions extends FromFile {
  readonly id?: string | undefined;
  /** The line itself; `-`: it is on the standard input. */
  readonly line?: string;
}

export async function explainRequestCommand(session: Session, { file, id, line }: ExplainRequestOptions) {
  if ((id === undefined) === (line === undefined)) {
    throw new CliFailure('invalid', 'give the id of a request, or its line in the access log with --line');
  }
  const given = line === '-' ? (await allOf(process.stdin)).trim() : line;
  await using past = await accessPast(session, file);
  const answer = await past.request(given === undefined ? { id: id! } : { line: given });
  const { requestLines } = await import('@muster/questions/request');
  await session.print(answer, requestLines(answer));
}

export interface WhatIfCommandOptions extends FromFile, WhatIfQuery {}

export async function whatIfCommand(session: Session, { file, ...query }: WhatIfCommandOptions): Promise<void> {
  await using past = await accessPast(session, file);
  const answer = await past.whatIf(query);
  const { whatIfLines } = await import('@muster/questions/what-if');
  await session.print(answer, whatIfLines(answer));
}

export interface ExportCommandOptions extends FromFile {
  readonly from: string;
  readonly to: string;
  /** `-`: the standard output. */
  readonly output: string;
  /** A file that is there may be replaced. */
  readonly force?: boolean;
}

export async function exportCommand(session: Session, { file, from, to, output, force = false }: ExportCommandOptions) {
  const { keepIncident, printIncident, refuseExisting } = await import('./export-file.ts');
  if (output !== '-' && !force) await refuseExisting(output);
  await using past = await accessPast(session, file);
  const bytes = past.export({ from, to });
  if (output === '-') return printIncident(bytes);
  const kept = await keepIncident(output, bytes, { isReplaced: force });
  const { incidentLines } = await import('@muster/questions/export');
  await session.print(kept, incidentLines(kept));
}
