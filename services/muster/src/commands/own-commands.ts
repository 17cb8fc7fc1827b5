/**
 * What this process gives the command line: its environment, its signals, and the commands that run a node or a program or work on files
 * of this machine: `up`, `agent`, `journal`. Each loads what it needs when it runs.
 */
import { type AddCommand, type Surroundings, wholeNumber, withTime } from '@muster/cli';
import { stopSignal } from '../node/stop-signal.ts';
import type { AgentOptions } from './agent-command.ts';
import type { UpOptions } from './up-command.ts';

const addUpCommand: AddCommand = (program, _openSession, setExitCode) => {
  program
    .command('up')
    .description('run a node and apply its config')
    .option('-c, --config <file>', 'the config; ./muster.toml when left out')
    .option('--new-cluster', "make the journal's stream where it is not there, whoever knows of an earlier one")
    .action(async (options: UpOptions) => {
      const { runUp } = await import('./up-command.ts');
      setExitCode(await runUp(options));
    });
};

const addAgentCommand: AddCommand = (program, _openSession, setExitCode) => {
  const agent = program
    .command('agent')
    .description('run a program and be a member of a pool in its name, for as long as it runs')
    .usage('--pool POOL --target HOST:PORT [options] -- COMMAND…')
    .requiredOption('--pool <id>', 'the pool to join')
    .requiredOption('--target <address>', 'where the program answers, as the nodes reach it: HOST:PORT or unix:/PATH')
    .option('--id <id>', "the member's name in the pool; the host's name and the port when left out")
    .option('--weight <n>', 'its share of new connections, 1 to 1000 (default 1)', wholeNumber)
    .option('--cluster <name>', 'the cluster of the nodes (default "default")')
    .option('--servers <urls>', 'NATS servers (env MUSTER_NATS_SERVERS; default nats://127.0.0.1:4222)')
    .option('--credentials <file>', 'a NATS .creds file')
    .option('--nkey <file>', 'a file with an nkey seed')
    .option('--inbox-prefix <prefix>', 'below which this user may subscribe (default _INBOX)')
    .option('--tls-ca <file>', "the authority of the servers' certificates, PEM")
    .option('--tls-cert <file>', 'a client certificate, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .argument('<command...>', 'the program and its arguments, after --')
    .addHelpText('after', AGENT_HELP)
    .action(async (command: string[], options: AgentOptions) => {
      const { runAgent } = await import('./agent-command.ts');
      setExitCode(await runAgent(command, options));
    });
  withTime(agent, 'lease', 'silent for so long, it is taken out (default 15s)');
  withTime(agent, 'start-timeout', 'a program that does not answer by then is ended (default 1m)');
  withTime(agent, 'drain', 'from the drain to the signal for the program (default 1s)');
};

const AGENT_HELP = `
SIGTERM and SIGINT: the member drains, then the program gets the signal; a
second one kills it. Exit code: the program's own, 128 + n for signal n, 127
where there is no such program, 1 where it never answered.`;

const JOURNAL_HELP = `
These commands work on the file itself, which no node may hold meanwhile. Exit
code of check: 0 all of it is proven, 1 something is not.`;

const addJournalCommands: AddCommand = (program, openSession, setExitCode) => {
  const journal = program.command('journal').description('look at and mend the file of an embedded journal');
  journal
    .command('check <file>')
    .description('read all of it, and say what is proven and what is missing')
    .addHelpText('after', JOURNAL_HELP)
    .action(async (file: string) => {
      const { checkJournal } = await import('./journal-command.ts');
      setExitCode(await checkJournal(await openSession(), file));
    });
  journal
    .command('mend <file>')
    .description('keep what is proven of a damaged journal, as another history, and move the damaged files aside')
    .addHelpText('after', JOURNAL_HELP)
    .action(async (file: string) => {
      const { mendJournalFile } = await import('./journal-command.ts');
      await mendJournalFile(await openSession(), file);
    });
};

export const SURROUNDINGS: Surroundings = {
  environment: process.env,
  hearStop: stopSignal,
  up: addUpCommand,
  journal: addJournalCommands,
  agent: addAgentCommand,
};
