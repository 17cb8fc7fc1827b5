/**
 * The command line as an entrance: every command's words, options and the readers of their values, without what the commands do. What they
 * ask of a node, and read of files, are entrances of their own.
 */
import { CommanderError, type Command } from 'commander';
import { CliFailure, createProgram } from '@muster/cli';
import { SURROUNDINGS } from 'muster/surroundings';

interface Leaf {
  readonly words: readonly string[];
  readonly command: Command;
}

function leavesOf(command: Command, words: readonly string[] = []): Leaf[] {
  if (command.commands.length === 0) return [{ words, command }];
  return command.commands.flatMap((inner) => leavesOf(inner, [...words, inner.name()]));
}

/** A program of which no command does anything, or says anything. */
function idleProgram(): { readonly program: Command; readonly leaves: readonly Leaf[] } {
  const idle = createProgram(SURROUNDINGS, () => undefined);
  const commands = leavesOf(idle);
  for (const { command } of commands) command.action(() => undefined);
  silence(idle);
  return { program: idle, leaves: commands };
}

function silence(command: Command): void {
  command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  for (const inner of command.commands) silence(inner);
}

/** Each parse begins anew: commander takes back what the one before left in it. */
const { program, leaves } = idleProgram();

/**
 * A text as the words of a command line, and as one value of each option of one command. Gives what the first that is refused is refused
 * with; null where all are taken.
 */
export function commandLineRefusal(text: string): string | null {
  const { words, command } = leaves[text.length % leaves.length]!;
  const options = command.options.filter(({ long }) => long !== undefined && long !== '--help');
  const lines = [
    text.split(/[\s,]+/).filter((word) => word !== ''),
    [...words, ...text.split(/[\s,]+/)],
    [...words, text],
    ...options.map(({ long }) => [...words, `${long}=${text}`]),
  ];
  let refusal: string | null = null;
  for (const line of lines) refusal ??= refusalOf(line);
  return refusal;
}

function refusalOf(line: readonly string[]): string | null {
  try {
    program.parse([...line], { from: 'user' });
    return null;
  } catch (error) {
    const isRefusal = error instanceof CommanderError || error instanceof CliFailure;
    if (!isRefusal) throw error;
    return error.message;
  }
}
