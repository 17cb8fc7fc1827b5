/**
 * `muster export`: an incident file on its way to the disk. It is written beside its name, opened and checked there, and only then given
 * it: a file that is not whole is nobody's.
 */
import { open, rename, rm, stat } from 'node:fs/promises';
import { exportIncident, exportQuestion, type ExportQuery, type KeptIncident } from '@muster/questions';
import { writeBytes } from '@muster/questions/text';
import { orFailure, sentQuery, withIncident } from './ask.ts';
import { CliFailure, existingFile } from './cli-failure.ts';
import type { Session } from './session.ts';

/** It says where traffic goes, so only this user may read it; to whom it is sent is that user's business. */
const FILE_MODE = 0o600;
/** Enough of an answer's end for what an incident file ends with. */
const TAIL_BYTES = 1_024;

interface ExportOptions {
  /** `-`: the standard output. */
  readonly output?: string;
  /** A file that is there may be replaced. */
  readonly force?: boolean;
  /** An incident file in place of the node. */
  readonly file?: string | undefined;
}

export async function exportCommand(session: Session, query: ExportQuery, options: ExportOptions): Promise<void> {
  const { output = '-', force = false, file } = options;
  if (output !== '-' && !force) await refuseExisting(output);
  const keep = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    if (output === '-') return printIncident(bytes);
    const kept = await keepIncident(output, bytes, { isReplaced: force });
    await session.print(kept, exportQuestion.lines(kept));
  };
  if (file === undefined) return keep(exportOfNode(session, query));
  await withIncident(file, async ({ past }) => keep(await exportIncident(past, query)));
}

/** The bytes of an incident file of the session's node, as they come. */
export async function* exportOfNode({ client }: Session, query: ExportQuery): AsyncGenerator<Uint8Array, void> {
  const { breakReason } = await import('@muster/replay');
  let tail: Uint8Array = new Uint8Array();
  for await (const chunk of client.bytes(`${exportQuestion.path}?${await sentQuery(query, exportQuestion.moments)}`)) {
    tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
    yield chunk;
  }
  const reason = breakReason(tail);
  if (reason !== null) throw new CliFailure('ended', `the export broke off: ${reason}; export it again`);
}

/** Before anything is asked: an export may take a while. Throws `CliFailure`. */
async function refuseExisting(path: string): Promise<void> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw existingFile(path);
}

/** `isReplaced`: whether a file that is there is replaced; else it is left as it is. Throws `CliFailure`. */
export async function keepIncident(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  { isReplaced }: { readonly isReplaced: boolean },
): Promise<KeptIncident> {
  const besides = `${path}.new`;
  try {
    await writeAll(besides, bytes);
    const { openIncident } = await import('@muster/replay');
    const incident = await orFailure(() => openIncident(besides));
    await incident.close();
    const { size } = await stat(besides);
    if (!isReplaced) await refuseExisting(path);
    await rename(besides, path);
    return { path, bytes: size, about: incident.about };
  } catch (error) {
    await rm(besides, { force: true });
    const { code, message, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new CliFailure('not-written', `${path} cannot be written: ${code ?? message}`);
  }
}

async function writeAll(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  await using file = await open(path, 'w', FILE_MODE);
  // The mode above counts for a new file only, and one may have been left by a process that was killed.
  await file.chmod(FILE_MODE);
  for await (const chunk of bytes) await file.writeFile(chunk);
  await file.sync();
}

async function printIncident(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  if (process.stdout.isTTY) {
    throw new CliFailure('invalid', 'an incident file is not for a terminal; send it on, or name a file with -o FILE');
  }
  for await (const chunk of bytes) await writeBytes(chunk);
}
