/**
 * The file of a Unix socket whose process was killed: nobody listens there, and it keeps everybody else from the path.
 *
 * A connection tells: refused means that no process listens. The file is then moved aside and looked at again before it is removed,
 * because another process may have found the same and put its own socket there meanwhile; that one is put back.
 */
import { link, lstat, rename, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/** `in-use`: somebody listens, or cannot be told from somebody who does. */
export type StalePathOutcome = 'removed' | 'in-use' | 'no-socket';

export async function removeStalePath(path: string): Promise<StalePathOutcome> {
  try {
    const found = await lstat(path);
    if (!found.isSocket()) return 'no-socket';
    if (!(await isRefused(path))) return 'in-use';
    const aside = `${path}.${process.pid}`;
    await rename(path, aside);
    const moved = await lstat(aside);
    const isSame = moved.ino === found.ino && (await isRefused(aside));
    if (!isSame) await link(aside, path);
    await unlink(aside);
    return isSame ? 'removed' : 'in-use';
  } catch (error) {
    // Gone meanwhile: the next try to bind tells. Anything else is for the operating system's own words.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'removed' : 'in-use';
  }
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const answer = (isFree: boolean): void => {
      socket.destroy();
      resolve(isFree);
    };
    socket.once('connect', () => answer(false));
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code === 'ECONNREFUSED'));
  });
}
