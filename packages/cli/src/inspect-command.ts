/** `muster inspect`: what there is to type. */
import { Argument, type Command } from 'commander';
import type { OpenSession, Session } from './session.ts';

export interface InspectOptions {
  readonly follow?: boolean;
  readonly record?: string;
  readonly force?: boolean;
  readonly replay?: string;
}

const INSPECT_HELP = `
ID: web (listener), spells/spells-1 (backend, prober), 0 (worker), lb-1
(node). --replay needs no node: each machine of the recording lives its
events again, alone and with a clock of its own.`;

export function addInspectCommand(program: Command, openSession: OpenSession): void {
  program
    .command('inspect')
    .description('show the states of the live machines of a node, and what happens to them')
    .addArgument(
      new Argument('[kind]', 'which machines; all when left out').choices([
        'node',
        'listener',
        'backend',
        'prober',
        'worker',
      ]),
    )
    .argument('[id]', 'which of them; all when left out')
    .option('--follow', 'go on with what happens from now on, until interrupted')
    .option('--record <file>', 'write what is seen into a file as well, one JSON object a line')
    .option('--force', 'replace the file of --record where there is one already')
    .option('--replay <file>', 'replay a recording into fresh machines, and say whether they end as recorded')
    .addHelpText('after', INSPECT_HELP)
    .action(async (kind: string | undefined, id: string | undefined, options: InspectOptions) => {
      const session: Session = await openSession();
      if (options.replay === undefined) {
        const { showMachines } = await import('./inspected-machines.ts');
        return showMachines(session, { kind, id }, options);
      }
      const { replayFile } = await import('./replayed-machines.ts');
      return replayFile(session, { kind, id }, options.replay);
    });
}
