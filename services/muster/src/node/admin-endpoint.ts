/**
 * The admin API of a running node: the server, the metrics it serves, and the totals that both read.
 */
import type { NodeHandle } from '@muster/actors';
import type { ObservationStore } from '@muster/observations';
import type { FailingName } from '@muster/transport';
import { createAdminServer } from '@muster/admin';
import type { AskDecisions } from '@muster/questions/decisions';
import type { DecisionRecording } from '@muster/questions/decisions/decision-recording';
import type { RefusalOf } from '@muster/questions/roster';
import type { NodeConfig } from '@muster/config';
import type { Log } from '../log/log.ts';
import { createMetrics, followTraffic, TrafficTotals } from '@muster/metrics';

export type RunningAdmin =
  | { readonly outcome: 'listening'; readonly address: string; close(): Promise<void> }
  /** One line for people that names the address and what to do. */
  | { readonly outcome: 'failed'; readonly reason: string; close(): Promise<void> };

export interface AdminEndpointOptions {
  readonly node: NodeHandle;
  readonly config: NodeConfig;
  readonly log: Log;
  readonly isConfigApplied: () => boolean;
  readonly refusalOf: RefusalOf;
  readonly journalDamage: () => string | null;
  /** Host names that this process cannot look up, for its probes. */
  readonly probedNames: () => readonly FailingName[];
  readonly decisions: AskDecisions;
  readonly recording: DecisionRecording;
  /** Null: none are kept. */
  readonly observations: ObservationStore | null;
}

/** Null where the config wants no admin API. */
export async function startAdmin(options: AdminEndpointOptions): Promise<RunningAdmin | null> {
  const { node, config, ...rest } = options;
  if (config.admin === null) return null;
  const traffic = new TrafficTotals();
  const metrics = createMetrics({ node, traffic, observations: rest.observations });
  const access = { token: config.adminToken, isBehindProxy: config.isAdminBehindProxy };
  const { settings } = config;
  const server = await createAdminServer({ node, access, settings, metrics, traffic, ...rest });
  const unfollow = followTraffic(node, traffic);
  const close = async () => {
    unfollow();
    await server.close();
  };
  const listened = await server.listen(config.admin);
  if (listened.outcome === 'failed') {
    await close();
    return { ...listened, close };
  }
  rest.log.info({ address: listened.address }, `the admin API listens on http://${listened.address}`);
  return { ...listened, close };
}
