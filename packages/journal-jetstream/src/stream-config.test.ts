/** Which streams and servers are refused, and with which line. */
import { DiscardPolicy, RetentionPolicy, type StreamConfig } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { refuseMadeStream, refuseServer, refuseStream, streamWarnings, wantedStream } from './stream-config.ts';

const wanted = wantedStream({ cluster: 'demo', replicas: 1, streamBytesMax: null, duplicateWindowMs: 120_000 });
const stream = (parts: object = {}): StreamConfig => ({ ...wanted, ...parts }) as unknown as StreamConfig;

test.for<[object, string]>([
  [{ max_age: 1_000 }, 'nats stream edit muster-demo --max-age=0'],
  [{ discard: DiscardPolicy.Old, max_bytes: 1_000 }, 'nats stream edit muster-demo --discard=new'],
  [{ discard: DiscardPolicy.Old, max_msgs: 1_000 }, 'drops its oldest events'],
  [{ max_msgs_per_subject: 1 }, 'nats stream edit muster-demo --max-msgs-per-subject=-1'],
  [{ retention: RetentionPolicy.Workqueue }, 'drops events that were read'],
  [{ retention: RetentionPolicy.Interest }, 'drops events that were read'],
  [{ subjects: ['muster.>'] }, 'should keep muster.demo.> alone'],
  [{ subjects: ['muster.demo.>', 'other'] }, 'keeps muster.demo.>, other'],
  [{ mirror: { name: 'x' } }, 'copies another stream'],
  [{ sources: [{ name: 'x' }] }, 'copies another stream'],
  [{ allow_rollup_hdrs: true }, 'replace its history'],
  [{ sealed: true }, 'is sealed'],
])('a stream with %j is refused', ([parts, line]) => {
  expect(refuseStream(stream(parts), 'demo')).toContain(line);
});

test('what only differs is used, with a warning', () => {
  const found = stream({ num_replicas: 3, max_bytes: 1_000, duplicate_window: 1, discard: DiscardPolicy.New });
  expect(refuseStream(found, 'demo')).toBeNull();
  expect(streamWarnings(found, wanted)).toEqual([
    'the stream muster-demo has num_replicas 3; the config asks for 1',
    'the stream muster-demo has max_bytes 1000; the config asks for -1',
    'the stream muster-demo has duplicate_window 1; the config asks for 120000000000',
  ]);
  expect(streamWarnings(stream(), wanted)).toEqual([]);
});

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
