/**
 * What a config file declares, entity by entity, and whether it fits together.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ListenerSpec, nearestName, type PoolSpec } from '@muster/membership';
import type { KeyPath } from '@muster/questions';
import type { Fault } from './config-problem.ts';
import type { ConfigFile } from './config-schema.ts';

interface DeclaredBackend {
  readonly id: string;
  readonly target: string;
  readonly weight: number;
}

export interface DeclaredPool {
  readonly id: string;
  readonly spec: PoolSpec;
  readonly backends: readonly DeclaredBackend[];
}

export interface DeclaredListener {
  readonly id: string;
  readonly spec: ListenerSpec;
}

/** In the file's order. A backend's mode is not the config's business: it belongs to operators. */
export interface DeclaredRoster {
  readonly pools: readonly DeclaredPool[];
  readonly listeners: readonly DeclaredListener[];
}

export function declaredRoster({ pools, listeners }: Pick<ConfigFile, 'pools' | 'listeners'>): DeclaredRoster {
  return {
    pools: pools.map(({ id, backends, ...spec }) => ({ id, spec, backends })),
    listeners: listeners.map(({ id, ...spec }) => ({ id, spec })),
  };
}

export interface Surroundings {
  /** The node that reads the file. */
  readonly node: string;
  /** Where the admin API listens; null when it does not. */
  readonly adminAddress: string | null;
  /** Pools that exist without this file. */
  readonly otherPools: { has(pool: string): boolean; keys(): Iterable<string> };
}

/** Repeated names, addresses used twice, listeners without their pool. */
export function crossFaults(file: Pick<ConfigFile, 'pools' | 'listeners'>, around: Surroundings): Fault[] {
  return [
    ...repeatedIds(file.pools, ['pools']),
    ...file.pools.flatMap((pool, index) => repeatedIds(pool.backends, ['pools', index, 'backends'])),
    ...repeatedIds(file.listeners, ['listeners']),
    ...takenBinds(file.listeners, around),
    ...listenersWithoutPool(file, around.otherPools),
  ];
}

function repeatedIds(entries: readonly { readonly id: string }[], path: KeyPath): Fault[] {
  const seen = new Set<string>();
  return entries.flatMap(({ id }, index) => {
    if (!seen.has(id)) {
      seen.add(id);
      return [];
    }
    return [{ path: [...path, index, 'id'], what: `${path.at(-1)} holds "${id}" twice`, fix: 'give each its own id' }];
  });
}

/** Who is bound where, and on which nodes; undefined: on all of them. */
interface Holder {
  readonly name: string;
  readonly bind: string;
  readonly nodes: readonly string[] | undefined;
}

function takenBinds(listeners: ConfigFile['listeners'], { node, adminAddress }: Surroundings): Fault[] {
  const holders: Holder[] = adminAddress === null ? [] : [{ name: 'the admin API', bind: adminAddress, nodes: [node] }];
  return listeners.flatMap(({ id, bind, nodes }, index) => {
    const other = holders.find((holder) => holder.bind === bind && meet(holder.nodes, nodes));
    if (other === undefined || bind.endsWith(':0')) {
      holders.push({ name: `listener "${id}"`, bind, nodes });
      return [];
    }
    const what = `listener "${id}" is bound to ${bind}, which ${other.name} has already`;
    return [{ path: ['listeners', index, 'bind'], what, fix: 'choose another port' }];
  });
}

/** Whether some node is in both; a list that is left out means every node. */
export function meet(left: readonly string[] | undefined, right: readonly string[] | undefined): boolean {
  return left === undefined || right === undefined || left.some((node) => right.includes(node));
}

function listenersWithoutPool(
  { pools, listeners }: Pick<ConfigFile, 'pools' | 'listeners'>,
  others: Surroundings['otherPools'],
): Fault[] {
  const declared = new Set(pools.map(({ id }) => id));
  return listeners.flatMap(({ id, ...spec }, index) =>
    namedPools(spec).flatMap(({ pool, path }) => {
      if (declared.has(pool) || others.has(pool)) return [];
      const meant = nearestName(pool, [...declared, ...others.keys()]);
      const fix = meant === null ? `declare it: [[pools]] with id = "${pool}"` : `did you mean "${meant}"?`;
      const what = `listener "${id}" names pool "${pool}", which is not declared`;
      return [{ path: ['listeners', index, ...path], what, fix }];
    }),
  );
}

/** The pools that a listener names, each where it stands. */
function namedPools({ pool, routes = [] }: ListenerSpec): { readonly pool: string; readonly path: KeyPath }[] {
  return [
    ...(pool === undefined ? [] : [{ pool, path: ['pool'] }]),
    ...routes.map((route, index) => ({ pool: route.pool, path: ['routes', index, 'pool'] })),
  ];
}

/**
 * The filter files that listeners name: each must be there when the config is read. What is in one is found out by the workers that
 * load it, and whether the other nodes of the cluster have it, by each of them. `folder`: of the config file, absolute.
 */
export function filterFaults(listeners: ConfigFile['listeners'], folder: string): Fault[] {
  return listeners.flatMap(({ id, filters = [] }, index) =>
    filters.flatMap((filter, at) => {
      const path = ['listeners', index, 'filters', at];
      const file = resolve(folder, filter);
      const trouble = troubleWith(file);
      if (trouble === null) return [];
      const what = `listener "${id}" names the filter ${filter}, and ${file} ${trouble}`;
      return [{ path, what, fix: "give its path from the config file's folder, or create it" }];
    }),
  );
}

function troubleWith(file: string): string | null {
  try {
    return statSync(file).isFile() ? null : 'is not a file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read: ${code ?? String(error)}`;
  }
}
