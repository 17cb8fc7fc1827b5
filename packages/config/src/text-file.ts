/** A file that a person named, read as text within a limit; what stands in the way is told in plain words, with what to do. */
import { open } from 'node:fs/promises';

export type TextReading =
  | { readonly outcome: 'read'; readonly text: string }
  | { readonly outcome: 'unreadable'; readonly what: string; readonly fix: string };

export interface TextFileLimit {
  /** No more is read of a file that has more, whatever it is: a device has no size. */
  readonly bytesMax: number;
  /** What to do about one that is larger. */
  readonly tooLargeFix: string;
}

/** `path`: `-` for the standard input. Never rejects. */
export async function readTextFile(path: string, { bytesMax, tooLargeFix }: TextFileLimit): Promise<TextReading> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of path === '-' ? process.stdin : (await open(path)).createReadStream()) {
      bytes += (chunk as Buffer).length;
      if (bytes > bytesMax)
        return unreadable(`the file has more than ${bytesMax} bytes, the most that is read`, tooLargeFix);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    return systemTrouble(error as NodeJS.ErrnoException);
  }
  return decoded(Buffer.concat(chunks));
}

function decoded(content: Buffer): TextReading {
  const fix = 'give a text file in UTF-8';
  if (content.includes(0)) return unreadable('this is no text: it has zero bytes in it', fix);
  try {
    return { outcome: 'read', text: new TextDecoder('utf-8', { fatal: true }).decode(content) };
  } catch {
    return unreadable('this is no text in UTF-8', fix);
  }
}

function systemTrouble({ code, message }: NodeJS.ErrnoException): TextReading {
  switch (code) {
    case 'ENOENT':
      return unreadable('there is no such file', 'check the path');
    case 'ENOTDIR':
      return unreadable('a part of its path is no folder', 'check the path');
    case 'EISDIR':
      return unreadable('this is a folder', 'give the path of a file');
    case 'EACCES':
    case 'EPERM':
      return unreadable('this user may not read it', 'check its permissions');
    default:
      return unreadable(`it cannot be read (${code ?? message})`, 'check the path');
  }
}

function unreadable(what: string, fix: string): TextReading {
  return { outcome: 'unreadable', what, fix };
}
