/** `muster inspect`: the live machines as lines, and their lines in a file. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import type { InspectionLine } from '@muster/actors';
import { CliFailure, existingFile } from './cli-failure.ts';
import { inspectionText } from '@muster/questions/inspection';
import { writeJsonLines, writeLines } from '@muster/questions/text';
import { type Session } from './session.ts';

/** Undefined: any. */
export interface MachineChoice {
  readonly kind: string | undefined;
  readonly id: string | undefined;
}

export interface InspectOptions {
  readonly follow?: boolean;
  readonly record?: string;
  readonly force?: boolean;
  readonly replay?: string;
}

/** With `--follow` until the process is interrupted. Fails where no such machine lives and none is waited for. */
export async function showMachines(session: Session, choice: MachineChoice, options: InspectOptions): Promise<void> {
  const { follow = false, record, force = false } = options;
  const query = new URLSearchParams({ follow: String(follow) });
  if (choice.kind !== undefined) query.set('kind', choice.kind);
  if (choice.id !== undefined) query.set('id', choice.id);
  using recording = record === undefined ? null : new Recording(record, { isReplaced: force });
  for await (const text of session.client.lines(`/v1/inspect?${query.toString()}`)) {
    const line = JSON.parse(text) as InspectionLine;
    recording?.add(text);
    await show(session, text, line);
    if (line.type === 'following' && line.actorsCount === 0 && !follow) throw nobody(choice);
  }
  if (follow) throw new CliFailure('ended', 'the node ended the stream; is it shutting down?');
}

async function show(session: Session, text: string, line: InspectionLine): Promise<void> {
  if (session.isJson) return writeJsonLines(text);
  const shown = inspectionText(line);
  if (shown !== null) await writeLines([shown]);
}

function nobody({ kind = 'machine', id }: MachineChoice): CliFailure {
  const which = id === undefined ? '' : ` ${id}`;
  return new CliFailure('unknown-machine', `no ${kind}${which} lives on this node; muster inspect lists all`);
}

/** Written line by line, at once, so that an interrupt leaves whole lines. */
class Recording implements Disposable {
  readonly #file: number;
  readonly #path: string;

  /** `isReplaced`: whether a file that is there is replaced; else it is left as it is. */
  constructor(path: string, { isReplaced }: { readonly isReplaced: boolean }) {
    this.#path = path;
    this.#file = this.#orFail(() => openSync(path, isReplaced ? 'w' : 'wx', 0o600));
  }

  add(line: string): void {
    this.#orFail(() => writeFileSync(this.#file, `${line}\n`));
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #orFail<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw existingFile(this.#path);
      throw new CliFailure('unwritable', `the recording ${this.#path} cannot be written: ${(error as Error).message}`);
    }
  }
}
