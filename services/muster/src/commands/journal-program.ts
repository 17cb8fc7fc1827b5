/** `muster journal …`: what there is to type. */
import type { AddCommand } from '@muster/cli';

const HELP = `
These commands work on the file itself, which no node may hold meanwhile. Exit
code of check: 0 all of it is proven, 1 something is not.`;

export const addJournalCommands: AddCommand = (program, openSession, setExitCode) => {
  const journal = program.command('journal').description('look at and mend the file of an embedded journal');
  journal
    .command('check <file>')
    .description('read all of it, and say what is proven and what is missing')
    .addHelpText('after', HELP)
    .action(async (file: string) => {
      const { checkJournal } = await import('./journal-command.ts');
      setExitCode(await checkJournal(await openSession(), file));
    });
  journal
    .command('mend <file>')
    .description('keep what is proven of a damaged journal, as another history, and move the damaged files aside')
    .addHelpText('after', HELP)
    .action(async (file: string) => {
      const { mendJournalFile } = await import('./journal-command.ts');
      await mendJournalFile(await openSession(), file);
    });
};
