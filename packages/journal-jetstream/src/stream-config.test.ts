/** What a server may make of a request, and which servers are refused. */
import type { StreamConfig } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { refuseMadeStream, refuseServer, wantedStream } from './stream-config.ts';

const wanted = wantedStream({ cluster: 'demo', replicas: 1, streamBytesMax: null, duplicateWindowMs: 120_000 });
const stream = (parts: object = {}): StreamConfig => ({ ...wanted, ...parts }) as unknown as StreamConfig;

test('a stream that the server made otherwise than asked is refused, with field, asked and got', () => {
  expect(refuseMadeStream(wanted, stream())).toBeNull();
  expect(refuseMadeStream(wanted, stream({ sealed: false, deny_purge: undefined }))).toBeNull();
  expect(refuseMadeStream(wanted, stream({ deny_delete: undefined }))).toContain('deny_delete: asked true, got false');
  expect(refuseMadeStream(wanted, stream({ num_replicas: 3 }))).toContain('num_replicas: asked 1, got 3');
});

test('a server before 2.10 holds one copy and no more', () => {
  expect(refuseServer('2.9.10', 3)).toContain('this is 2.9.10');
  expect(refuseServer('2.9.10', 1)).toBeNull();
  for (const version of ['2.10.0', '2.15.1', '3.0.0']) expect(refuseServer(version, 3)).toBeNull();
});
