/** The JetStream journal passes the contract that all journals pass, on every server that can be had, with one copy and three. */
import { journalContract } from '@muster/journal/testing';
import { afterAll, beforeAll, describe } from 'vitest';
import { journalUnderTest, linkTo, oneServer, programs, threeServers } from '../testing/jetstream-harness.ts';

const START_TIMEOUT_MS = 60_000;

const setups = [
  { name: 'one copy, the system’s server', program: programs.system, replicas: 1, start: () => oneServer('system') },
  { name: 'one copy, 2.10', program: programs['2.10'], replicas: 1, start: () => oneServer('2.10') },
  { name: 'one copy, 2.15', program: programs['2.15'], replicas: 1, start: () => oneServer('2.15') },
  { name: 'three copies', program: programs.newest, replicas: 3, start: threeServers },
] as const;

for (const { name, program, replicas, start } of setups) {
  const version = 'version' in program ? program.version : program.unavailable;
  describe.skipIf('unavailable' in program)(`on nats-server ${version}`, () => {
    let servers: Awaited<ReturnType<typeof start>>;
    let link: Awaited<ReturnType<typeof linkTo>>;
    beforeAll(async () => {
      servers = await start();
      link = await linkTo(...('urls' in servers ? servers.urls : [servers.url]));
    }, START_TIMEOUT_MS);
    afterAll(async () => {
      await link[Symbol.asyncDispose]();
      await servers[Symbol.asyncDispose]();
    });
    journalContract(name, { open: async () => journalUnderTest(link, replicas) });
  });
}
