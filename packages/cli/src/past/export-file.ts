/**
 * An incident file on its way to the disk: written beside its name, opened and checked there, and only then given it. A file that
 * is not whole is nobody's.
 */
import { open, rename, rm, stat } from 'node:fs/promises';
import type { KeptIncident } from '@muster/questions';
import { CliFailure, existingFile } from '../cli-failure.ts';
import { writeBytes } from '@muster/questions/text';
import { orFailure } from './past-access.ts';

/** It says where traffic goes, so only this user may read it; to whom it is sent is that user's business. */
const FILE_MODE = 0o600;

/** Before anything is asked: an export may take a while. Throws `CliFailure`. */
export async function refuseExisting(path: string): Promise<void> {
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

export async function printIncident(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  if (process.stdout.isTTY) {
    throw new CliFailure('invalid', 'an incident file is not for a terminal; send it on, or name a file with -o FILE');
  }
  for await (const chunk of bytes) await writeBytes(chunk);
}
