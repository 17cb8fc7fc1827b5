/** A file that a command was given, or its standard input: read as text within a limit, and what stands in the way told in plain words. */
import { open } from 'node:fs/promises';
import { CliFailure } from './cli-failure.ts';

/** Its own words for what the system says about a path. Null: the system's code is all there is to say. */
export function pathTrouble(code: string | undefined): string | null {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'ENOTDIR':
      return 'a part of its path is no folder';
    case 'EISDIR':
      return 'it is a folder; give the path of a file';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not read it; check its permissions';
    default:
      return null;
  }
}

/** `path`: `-` for the standard input. Throws `CliFailure`. */
export async function readInput(path: string, { bytesMax }: { readonly bytesMax: number }): Promise<string> {
  const name = path === '-' ? 'the standard input' : path;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of path === '-' ? process.stdin : (await open(path)).createReadStream()) {
      bytes += (chunk as Buffer).length;
      if (bytes > bytesMax)
        throw new CliFailure('too-large', `${name} has more than ${bytesMax} bytes, which is the most that is read`);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CliFailure(
      'unreadable-file',
      `${name}: ${pathTrouble(code) ?? `it cannot be read (${code ?? message})`}`,
    );
  }
  return Buffer.concat(chunks).toString('utf8');
}
