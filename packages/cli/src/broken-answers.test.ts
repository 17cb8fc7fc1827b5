/** Answers that break off after they began: the journal's reader fails, or the node is gone. Each command says so, in words. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { JournalError } from '@muster/journal';
import { expect, test, vi } from 'vitest';
import type { AdminHarness } from '@muster/admin/testing';
import { muster, temporaryFolder, withSpells } from '../testing/index.ts';

/** Each test starts a few processes. */
vi.setConfig({ testTimeout: 60_000 });

const REASON = 'reading the journal muster-default was cut short: the server ended it: 409 Leadership Change';
const EVENTS = 1_000;
/** Reading fails at this one: after more than one batch, so that the answer has begun when it breaks off. */
const UNREADABLE = 700;

/** A node whose journal fails at one event, whenever it is read. */
async function withBrokenJournal(): Promise<AdminHarness> {
  const admin = await withSpells();
  const { journal } = admin.node;
  for (let index = 0; index < EVENTS; index++) {
    const payload = JSON.stringify({ type: 'BackendModeSet', mode: index % 2 === 0 ? 'drain' : 'ready' });
    const subject = 'muster.default.backend.spells.spells-1';
    await journal.append({ id: `e-${index}`, subject, origin: 'test', payload });
  }
  await admin.node.folded(EVENTS);
  const read = journal.read.bind(journal);
  journal.read = async function* (options) {
    for await (const event of read(options)) {
      if (event.revision === UNREADABLE) throw new JournalError('failed', REASON);
      yield event;
    }
  };
  return admin;
}

test('events that break off end with the reason and exit code 1, whatever was asked for', async () => {
  await using admin = await withBrokenJournal();
  const all = await muster(['events', '--from', '1'], { admin });
  expect({ ...all, stdout: '' }).toEqual({
    code: 1,
    stdout: '',
    stderr: `muster: the answer broke off: ${REASON}\n`,
  });
  expect(all.stdout.trimEnd().split('\n').length).toBeGreaterThan(100);
  for (const question of [
    ['--since', '-1h'],
    ['--backend', 'spells/spells-1'],
  ]) {
    const asked = await muster(['events', ...question], { admin });
    expect(asked.stderr).toMatch(/^muster: [^\n]*409 Leadership Change\n$/);
    expect(asked.code).toBe(1);
  }
  const asJson = await muster(['events', '--from', '1', '--json'], { admin });
  const last = JSON.parse(asJson.stdout.trimEnd().split('\n').at(-1)!) as unknown;
  expect(last).toEqual({ error: { code: 'journal-failed', message: `the answer broke off: ${REASON}` } });
  expect(asJson.code).toBe(1);
});

test('the stream of the API ends with the object that the API refuses with', async () => {
  await using admin = await withBrokenJournal();
  const lines = await fetch(`${admin.url}/v1/events?from=1`).then((answer) => answer.text());
  const refusal = { error: { code: 'journal-failed', message: REASON } };
  expect(JSON.parse(lines.trimEnd().split('\n').at(-1)!)).toEqual(refusal);
  const headers = { accept: 'text/event-stream' };
  const events = await fetch(`${admin.url}/v1/events?from=1`, { headers }).then((answer) => answer.text());
  expect(events.endsWith(`\n\nevent: error\ndata: ${JSON.stringify(refusal)}\n\n`)).toBe(true);
  // Where nothing was sent yet, the status tells.
  const none = await fetch(`${admin.url}/v1/events?from=${UNREADABLE}`);
  expect([none.status, await none.json()]).toEqual([503, refusal]);
});

test('an export that breaks off leaves no file, and says why, also on the standard output', async () => {
  await using admin = await withBrokenJournal();
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'incident.muster');
  const kept = await muster(['export', '--from', '500', '-o', file], { admin });
  expect([kept.code, kept.stdout]).toEqual([1, '']);
  expect(kept.stderr).toMatch(/^muster: the export broke off: reading the journal [^\n]*\n$/);
  expect(await readdir(folder.path)).toEqual([]);
  const piped = await muster(['export', '--from', '500', '-o', '-'], { admin });
  expect([piped.code, piped.stderr]).toEqual([1, kept.stderr]);
});

/** What answers every question with the beginning of an answer, and then drops the connection. */
async function startDropping(): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"revision":1,\n', () => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('a node that is gone in the middle of its answer is no defect of the command', async () => {
  const server = await startDropping();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const command of [['status'], ['backend', 'list'], ['export', '--from', '1', '-o', '-']]) {
    const ran = await muster(['--admin', url, ...command]);
    expect([command, ran.code, ran.stderr]).toEqual([
      command,
      1,
      expect.stringMatching(
        /^muster: http:\S+ ended its answer early \(\w+\); the node's log may say why\n$/,
      ) as string,
    ]);
  }
  server.close();
});
