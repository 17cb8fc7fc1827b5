/** What this process gives the command line: its environment, its signals, and the commands that run something. */
import type { Surroundings } from '@muster/cli';
import { stopSignal } from '../node/stop-signal.ts';
import { addJournalCommands } from './journal-program.ts';
import { addAgentCommand, addUpCommand } from './own-commands.ts';

export const SURROUNDINGS: Surroundings = {
  environment: process.env,
  hearStop: stopSignal,
  up: addUpCommand,
  journal: addJournalCommands,
  agent: addAgentCommand,
};
