/**
 * The node's last snapshot as one file on this machine, for a start while the journal is away.
 *
 *     {"format":1,"epoch":"…","revision":12,"hash":"…","sha256":"…"}     one line
 *     …the snapshot's text, to the end of the file
 *
 * A file that is not whole is worth nothing: it is written beside the old one, brought to the disk, and only then takes its
 * name; and its digest is checked when it is read. It says where traffic goes, so only this user may read it. Nothing is
 * decided here about whether it is still true.
 */
import { hash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LocalSnapshot, Logger } from '@muster/actors';
import type { StoredSnapshot } from '@muster/journal';
import { z } from 'zod';

const FILE_FORMAT = 1;
const FILE_MODE = 0o600;
/** A larger file is not read; about a million backends fit. */
const FILE_BYTES_MAX = 536_870_912;

const headSchema = z.strictObject({
  format: z.literal(FILE_FORMAT),
  epoch: z.string().min(1),
  revision: z.int().min(0),
  hash: z.string().min(1),
  /** Of the text that follows, in hex. */
  sha256: z.string(),
});

/** Of a node with a journal of its own: beside the journal's file. */
export function ownSnapshotPath(journalPath: string): string {
  return `${journalPath}.snapshot`;
}

/** `path`: relative to the working directory; its folder is made where it is not there. */
export function localSnapshotFile(path: string, log: Pick<Logger, 'info' | 'warn'>): LocalSnapshot {
  let saving = Promise.resolve();
  return {
    async load() {
      const read = await readSnapshot(path);
      if (read.outcome === 'read') return read.snapshot;
      const text = `the local snapshot ${path} cannot be used: ${read.reason}`;
      if (read.outcome === 'missing') log.info({ path }, `there is no local snapshot ${path}`);
      else log.warn({ path }, text);
      return null;
    },
    save(snapshot) {
      const saved = saving.then(() => writeSnapshot(path, snapshot));
      // The next one does not care what became of this one.
      saving = saved.catch(() => undefined);
      return saved;
    },
  };
}

/** Of a text's beginning, as `encodeSnapshot` writes it. */
const TEXT_REVISION = /^[^[]*?"revision":(\d+)/;
/** Enough for the head and for what the text begins with. */
const BEGINNING_BYTES = 2_048;

/**
 * Which history and revision the file at `path` is of, without reading all of it. Null where there is none, or where its head and its text
 * do not agree.
 */
export async function localSnapshotHead(path: string): Promise<Pick<StoredSnapshot, 'epoch' | 'revision'> | null> {
  try {
    await using file = await open(path, 'r');
    // It says where traffic goes: one that lay open to others is closed, as the journal beside it.
    const { mode, uid } = await file.stat();
    if ((mode & 0o077) !== 0 && uid === process.getuid?.()) await file.chmod(FILE_MODE);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
    const [line = '', text = ''] = buffer.toString('utf8', 0, bytesRead).split('\n', 2);
    const head = headSchema.safeParse(parseJson(line));
    if (!head.success || Number(TEXT_REVISION.exec(text)?.[1]) !== head.data.revision) return null;
    const { epoch, revision } = head.data;
    return { epoch, revision };
  } catch {
    // What cannot be read says nothing; who needs the snapshot itself is told why it cannot be had.
    return null;
  }
}

type Read =
  | { readonly outcome: 'read'; readonly snapshot: StoredSnapshot }
  | { readonly outcome: 'missing' | 'unusable'; readonly reason: string };

async function readSnapshot(path: string): Promise<Read> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX) return unusable(`it has ${size} bytes, more than ${FILE_BYTES_MAX}`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    return { outcome: code === 'ENOENT' ? 'missing' : 'unusable', reason: code };
  }
  return parseSnapshot(text);
}

function parseSnapshot(text: string): Read {
  const headEnd = text.indexOf('\n');
  if (headEnd === -1) return unusable('it is no snapshot');
  const head = headSchema.safeParse(parseJson(text.slice(0, headEnd)));
  if (!head.success) return unusable('it is no snapshot, or one of another version');
  const { epoch, revision, hash: rosterHash, sha256 } = head.data;
  const data = text.slice(headEnd + 1);
  if (hash('sha256', data) !== sha256) return unusable('it is damaged');
  return { outcome: 'read', snapshot: { epoch, revision, hash: rosterHash, data } };
}

function unusable(reason: string): Read {
  return { outcome: 'unusable', reason };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema refuses it as it refuses any other value that is none.
    return undefined;
  }
}

async function writeSnapshot(path: string, { epoch, revision, hash: rosterHash, data }: StoredSnapshot): Promise<void> {
  const head = { format: FILE_FORMAT, epoch, revision, hash: rosterHash, sha256: hash('sha256', data) };
  const besides = `${path}.new`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await using file = await open(besides, 'w', FILE_MODE);
    // The mode above counts for a new file only, and one may have been left by a process that was killed.
    await file.chmod(FILE_MODE);
    await file.writeFile(`${JSON.stringify(head)}\n${data}`);
    await file.sync();
  } catch (error) {
    await rm(besides, { force: true });
    throw error;
  }
  await rename(besides, path);
  await using folder = await open(dirname(path), 'r');
  await folder.sync();
}
