/**
 * The questions about the past as commands, made of the words that each question brings. Nothing that asks or answers is loaded before
 * one of them runs.
 */
import { text as allOf } from 'node:stream/consumers';
import {
  exportQuestion,
  QUESTION_COMMANDS,
  stateQuestion,
  type ArgumentWords,
  type CommandWords,
  type ExportQuery,
  type OptionWords,
  type Question,
  type Typed,
  type WordKind,
} from '@muster/questions';
import { Argument, Option, type Command } from 'commander';
import { CliFailure } from './cli-failure.ts';
import { milliseconds, moment, wholeNumber } from './command-options.ts';
import type { OpenSession, Session } from './session.ts';

/** What commands with two words stand below. */
const GROUPS: Readonly<Record<string, string>> = { explain: 'say why: of a request, of a backend' };

const PARSERS: Readonly<Record<WordKind, (text: string) => unknown>> = {
  moment,
  count: wholeNumber,
  duration: milliseconds,
  'text-or-input': (text) => text,
};

export function addQuestionCommands(program: Command, openSession: OpenSession): void {
  for (const question of QUESTION_COMMANDS) {
    const words = question.command;
    const command = commandOf(program, words);
    command.action(async () => {
      const session = await openSession();
      const names = command.registeredArguments.map((argument) => argument.name());
      const args = names.map((name, index) => [name, command.processedArgs[index] as string] as const);
      await run(session, question, { ...command.opts(), ...Object.fromEntries(args) });
    });
  }
}

function commandOf(program: Command, { name, description, args = [], options, help }: CommandWords<object>): Command {
  const [first = '', second] = name.split(' ');
  const command = second === undefined ? program.command(first) : groupOf(program, first).command(second);
  command.description(description);
  for (const words of args) command.addArgument(withWords(new Argument(words.words, words.description), words));
  for (const words of options) {
    const option = withWords(new Option(words.words, words.description), words);
    command.addOption(option.makeOptionMandatory(words.isRequired ?? false));
  }
  return help === undefined ? command : command.addHelpText('after', help);
}

function groupOf(program: Command, name: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).description(GROUPS[name] ?? '');
}

function withWords<Word extends Argument | Option>(
  word: Word,
  { kind, default: value }: ArgumentWords | OptionWords,
): Word {
  if (kind !== undefined) word.argParser(PARSERS[kind]);
  if (value !== undefined) word.default(value);
  return word;
}

type Asked = (typeof QUESTION_COMMANDS)[number];

/** `file`: an incident file in place of the node. */
async function run(
  session: Session,
  asked: Asked,
  { file, ...typed }: Typed & { readonly file?: string },
): Promise<void> {
  if (asked === stateQuestion && typed['step'] === true) {
    const { stepThrough } = await import('./step/step-command.ts');
    return stepThrough(session, { ...typed, ...(file !== undefined && { file }) });
  }
  // Whether it makes a query at all is known before anything is read or opened.
  const query = queryOf(asked.command, typed);
  if (asked === exportQuestion) {
    const { exportCommand } = await import('./export-command.ts');
    return exportCommand(session, query as ExportQuery, { ...typed, file });
  }
  const question = asked as Question<object, object>;
  const { ask } = await import('./ask.ts');
  const whole = queryOf(asked.command, await withInput(asked.command, typed));
  const answer = await ask(session, question, { query: whole, file });
  await session.print(answer, question.lines(answer, query));
}

function queryOf(words: CommandWords<object>, typed: Typed): object {
  const query = words.query(typed);
  if (typeof query === 'string') throw new CliFailure('invalid', query);
  return query;
}

/** What was typed, with the text of the standard input where `-` stands for it. */
async function withInput({ options }: CommandWords<object>, typed: Typed): Promise<Typed> {
  const word = options.find(({ kind }) => kind === 'text-or-input');
  const name = word === undefined ? '' : new Option(word.words).attributeName();
  return typed[name] === '-' ? { ...typed, [name]: (await allOf(process.stdin)).trim() } : typed;
}
