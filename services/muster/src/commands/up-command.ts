/** `muster up`: runs a node from a config file, until SIGTERM or SIGINT. */
import { existsSync } from 'node:fs';
import { formatProblem, loadConfig, loadConfigAside } from '@muster/config';
import { CliFailure } from '@muster/cli';

const DEFAULT_CONFIG = 'muster.toml';

export interface UpOptions {
  readonly config?: string;
  readonly newCluster?: boolean;
}

/** Resolves to the exit code once the node has stopped. */
export async function runUp({ config, newCluster = false }: UpOptions): Promise<number> {
  if (config === undefined && !existsSync(DEFAULT_CONFIG)) {
    const message = `there is no ${DEFAULT_CONFIG} here; give a config with -c FILE (docs/operations.md shows one)`;
    throw new CliFailure('no-config', message);
  }
  const configPath = config ?? DEFAULT_CONFIG;
  const { MUSTER_ADMIN_TOKEN } = process.env;
  // Nothing that this process starts or runs, filters among it, has a use for the token.
  delete process.env['MUSTER_ADMIN_TOKEN'];
  const options = { environment: { MUSTER_ADMIN_TOKEN } };
  const loaded = await loadConfig(configPath, options);
  if (loaded.outcome === 'broken') {
    throw new CliFailure('broken-config', loaded.problems.map(formatProblem).join('\n'));
  }
  const load = () => loadConfigAside(configPath, options);
  const { runNode } = await import('../node/run-node.ts');
  return runNode({ config: loaded.node, declared: loaded.declared, isNewCluster: newCluster, load });
}
