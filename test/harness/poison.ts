/**
 * What anybody may publish and no node may take: each with the reason for which every reader passes it over, whatever came
 * before it.
 */
import type { RejectionReason } from '@muster/membership';

export interface Poison {
  /** Of the subject, after `muster.<cluster>.`. */
  readonly entity: string;
  readonly payload: string | Uint8Array;
  readonly reason: RejectionReason;
}

/** The largest that a server may take without a warning of its own; its `max_payload` must allow it. */
const POISON_BYTES_MAX = 8 * 1_048_576;
const NESTED_LEVELS = 30_000;

/** For a cluster without a pool "nowhere". */
export function poison(): readonly Poison[] {
  return [
    { entity: 'pool.q', payload: '{"type":', reason: 'broken-json' },
    { entity: 'pool.q', payload: '', reason: 'broken-json' },
    { entity: 'pool.q', payload: Uint8Array.of(0xff, 0xfe, 0x7b, 0x00, 0xc3, 0x28), reason: 'broken-json' },
    { entity: 'pool.q', payload: 'null', reason: 'invalid-payload' },
    { entity: 'pool.q', payload: '['.repeat(NESTED_LEVELS) + ']'.repeat(NESTED_LEVELS), reason: 'invalid-payload' },
    { entity: 'pool.q', payload: '{"type":"PoolDefined","policy":"fastest"}', reason: 'invalid-payload' },
    { entity: 'backend.q.x', payload: '{"type":"BackendRegistered","target":"nowhere"}', reason: 'invalid-payload' },
    { entity: 'backend.q.x', payload: '{"type":"BackendRegisterd","target":"h:1"}', reason: 'unknown-type' },
    { entity: 'backend.q.x', payload: '{"target":"h:1"}', reason: 'unknown-type' },
    { entity: 'pool.q', payload: '{"type":"PoolDefined","version":2}', reason: 'unsupported-version' },
    { entity: 'pool.q', payload: '{"type":"NodeStarted"}', reason: 'wrong-subject' },
    { entity: 'backend.q', payload: '{"type":"BackendDeregistered"}', reason: 'invalid-subject' },
    { entity: 'listener.Web!', payload: '{"type":"ListenerRemoved"}', reason: 'invalid-subject' },
    { entity: 'secret.q', payload: '{"type":"PoolDefined"}', reason: 'invalid-subject' },
    { entity: 'backend.nowhere.x', payload: '{"type":"BackendRegistered","target":"h:1"}', reason: 'unknown-pool' },
    { entity: 'node.never', payload: '{"type":"NodeStopped"}', reason: 'unknown-node' },
    { entity: 'pool.q', payload: new Uint8Array(POISON_BYTES_MAX).fill(0x20), reason: 'payload-too-large' },
  ];
}
