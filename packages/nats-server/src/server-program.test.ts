/** Which programs are found, and that an absence is told in one line. */
import { expect, test } from 'vitest';
import type { NatsServerVersion } from './nats-server.ts';
import { natsServerProgram, newestNatsServer } from './server-program.ts';

const FETCH_TIMEOUT_MS = 120_000;

test.each<[NatsServerVersion, RegExp]>([
  ['system', /^(\d+\.\d+\.\d+|no nats-server on this machine .*)$/],
  ['2.10', /^(2\.10\.27|.*nats-server 2\.10 .*)$/],
  ['2.15', /^(2\.15\.1|.*nats-server 2\.15 .*)$/],
])(
  '%s is that version, or unavailable in one line',
  async (version, pattern) => {
    const program = await natsServerProgram(version);
    expect('unavailable' in program ? program.unavailable : program.version).toMatch(pattern);
  },
  FETCH_TIMEOUT_MS,
);

test(
  'the newest is one that keeps expectations with three replicas',
  async () => {
    const program = await newestNatsServer();
    const said = 'unavailable' in program ? program.unavailable : program.version;
    expect(said).toMatch(/^2\.(1\d|[2-9]\d)\.\d+$|^[3-9]\.|nats-server 2\.15 .*; .*nats-server 2\.10 /);
  },
  FETCH_TIMEOUT_MS,
);
