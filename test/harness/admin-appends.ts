/**
 * Many appends on their way through a node's admin API at once, half of them commands and half events, with a record of
 * what was answered to each: what a test needs that kills the node in the middle of them.
 *
 * Each lane is one request after another about one backend of its own, so that nobody contends and each weight is news. An
 * event is known by its id, a command by its origin, because the node makes the ids of commands.
 */
import { CLUSTER } from './cluster.ts';
import type { TestNode } from './node.ts';

export interface AdminAppend {
  readonly kind: 'command' | 'event';
  /** An event's id, a command's origin. */
  readonly key: string;
  readonly subject: string;
  readonly payload: { readonly type: 'BackendRegistered'; readonly target: string; readonly weight: number };
  /** Null: there was no answer, or one that says that it may be stored. */
  readonly answer: AdminAnswer | null;
}

export type AdminAnswer = { readonly revision: number } | { readonly refused: string };

export interface AdminAppends {
  readonly answeredCount: () => number;
  /** Lets what is under way end, and tells all of them. */
  stop(): Promise<readonly AdminAppend[]>;
}

export interface AdminAppendsOptions {
  readonly pool: string;
  readonly target: string;
  /** Requests under way at once. */
  readonly lanes: number;
  /** Unique in a test: the ids begin with it. */
  readonly name: string;
}

const WEIGHT_MAX = 1_000;

/** Goes on until `stop`, or until the node answers no more: then each lane ends with the request that had no answer. */
export function startAdminAppends(node: TestNode, options: AdminAppendsOptions): AdminAppends {
  const appends: AdminAppend[] = [];
  const stopping = new AbortController();
  let answeredCount = 0;
  const runLane = async (lane: number): Promise<void> => {
    const backend = `lane-${lane}`;
    const subject = `muster.${CLUSTER}.backend.${options.pool}.${backend}`;
    for (let step = 0; !stopping.signal.aborted; step++) {
      const kind = (lane + step) % 2 === 0 ? 'command' : 'event';
      const key = `${options.name}.${lane}.${step}`;
      const { target, pool } = options;
      const payload = { type: 'BackendRegistered', target, weight: 1 + (step % WEIGHT_MAX) } as const;
      const request =
        kind === 'event' ? { subject, payload, id: key } : { ...payload, type: 'RegisterBackend', pool, backend };
      const answer = await send(node, { path: kind === 'event' ? '/v1/events' : '/v1/commands', key, request });
      appends.push({ kind, key, subject, payload, answer });
      if (answer === null) return;
      answeredCount += 1;
    }
  };
  const running = Promise.all(Array.from({ length: options.lanes }, (_, lane) => runLane(lane)));
  return {
    answeredCount: () => answeredCount,
    stop: async () => {
      stopping.abort();
      await running;
      return appends;
    },
  };
}

async function send(
  node: TestNode,
  { path, key, request }: { readonly path: string; readonly key: string; readonly request: object },
): Promise<AdminAnswer | null> {
  let body: { readonly outcome?: string; readonly revision?: number; readonly error?: { readonly code: string } };
  try {
    const response = await fetch(`${node.admin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'muster-origin': key },
      body: JSON.stringify(request),
    });
    body = (await response.json()) as typeof body;
  } catch {
    // The node died over it: whether it is stored is what the test looks up.
    return null;
  }
  if (body.outcome === 'appended') return { revision: body.revision! };
  const refused = body.error?.code ?? body.outcome ?? 'an answer of another shape';
  return refused === 'perhaps-stored' ? null : { refused };
}

/** Sends an event once more, with the same id, through a node that answers. */
export async function sendAgain(node: TestNode, { key, subject, payload }: AdminAppend): Promise<AdminAnswer | null> {
  return send(node, { path: '/v1/events', key, request: { subject, payload, id: key } });
}
