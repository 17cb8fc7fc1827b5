/**
 * What a node's admin API shows of its roster, as far as tests look at it.
 */
import type { TestNode } from './node.ts';

export interface SeenBackend {
  readonly id: string;
  readonly mode: { readonly value: string };
  readonly health: { readonly value: string };
  readonly eligibility: { readonly isEligible: boolean };
}

export interface SeenRoster {
  readonly revision: number;
  readonly pools: readonly { readonly id: string; readonly backends: readonly SeenBackend[] }[];
  readonly nodes: readonly { readonly id: string; readonly state: { readonly value: 'started' | 'stopped' } }[];
}

export async function rosterOf(node: TestNode): Promise<SeenRoster> {
  const answer = await fetch(`${node.admin}/v1/roster`);
  return (await answer.json()) as SeenRoster;
}

/** Null where the node knows no such backend. */
export async function backendSeenBy(node: TestNode, pool: string, backend: string): Promise<SeenBackend | null> {
  const { pools } = await rosterOf(node);
  const seen = pools.find(({ id }) => id === pool)?.backends.find(({ id }) => id === backend);
  return seen ?? null;
}

/** Whether `viewer` holds that `node` has started and not stopped since. */
export async function isStartedFor(viewer: TestNode, node: string): Promise<boolean> {
  const { nodes } = await rosterOf(viewer);
  return nodes.find(({ id }) => id === node)?.state.value === 'started';
}
