/**
 * Reads a config file: either all of it is right, or every problem is listed, each with its line and how to mend it.
 *
 * It decides nothing about a running node; what differs from the roster is `plan-apply.ts`.
 */
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { ConfigProblem } from './config-problem.ts';
import { configSchema, type ConfigFile } from './config-schema.ts';
import type { Fault } from './config-problem.ts';
import { crossFaults, declaredRoster, type DeclaredRoster, type Surroundings } from './declared-roster.ts';
import { explainFirst } from '@muster/questions';
import { filterFaults } from './declared-roster.ts';
import { nodeConfig, type NodeConfig, type NodeEnvironment } from './node-config.ts';
import { readTextFile } from './text-file.ts';
import { targetsRoster } from './targets-file.ts';
import { locateToml } from './toml-lines.ts';

/** A larger config is refused unread. */
export const CONFIG_BYTES_MAX = 1_048_576;
/** Problems that are listed; the rest are only counted. */
const CONFIG_PROBLEMS_MAX = 50;

export type LoadedConfig =
  | ({ readonly outcome: 'loaded' } & Loaded)
  | { readonly outcome: 'broken'; readonly problems: readonly ConfigProblem[] };

interface Loaded {
  readonly node: NodeConfig;
  readonly declared: DeclaredRoster;
  /** Whether the file says anything of how a node runs: it has a [node], a [journal] or an [observations]. */
  readonly isAboutNode: boolean;
}

export interface LoadOptions {
  /** Where the admin token may be. Default: nowhere. */
  readonly environment?: NodeEnvironment;
  /** Pools that listeners may name although the file does not declare them. Default: none. */
  readonly otherPools?: Surroundings['otherPools'];
  /** True: how the node runs is not this reader's business, so its address and token are not checked. Default false. */
  readonly isRosterOnly?: boolean;
  /** The node's id where the file gives none. Default: the host's name. */
  readonly nodeId?: string;
}

/** `path`: `-` for the standard input, which can be read once. */
export async function loadConfig(path: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const reading = await readConfig(path);
  return reading.outcome === 'read' ? parseConfig(reading.text, path, options) : reading;
}

/** The text of a config, for who wants to look at it more than once. */
export async function readConfig(
  path: string,
): Promise<{ readonly outcome: 'read'; readonly text: string } | Extract<LoadedConfig, { outcome: 'broken' }>> {
  const reading = await readTextFile(path, { bytesMax: CONFIG_BYTES_MAX, tooLargeFix: TOO_LARGE_FIX });
  if (reading.outcome === 'read') return reading;
  const { what, fix } = reading;
  return { outcome: 'broken', problems: [{ file: path, line: null, what, fix }] };
}

const TOO_LARGE_FIX = 'publish large pools as events instead (see docs/events.md)';

/** `loadConfig` for a text; `file` is what problems are reported under, and filters are looked for beside it. */
export function parseConfig(text: string, file: string, options: LoadOptions = {}): LoadedConfig {
  const bytes = Buffer.byteLength(text);
  if (bytes > CONFIG_BYTES_MAX) return tooLarge(file, bytes);
  let raw: unknown;
  try {
    raw = parse(text, { unsafeKeyBehaviour: 'throw' });
  } catch (error) {
    return broken(file, [syntaxProblem(error)]);
  }
  const { faults, restCount, loaded } = check(raw, dirname(resolve(file)), options);
  if (loaded !== null && faults.length === 0) return { outcome: 'loaded', ...loaded };
  const lines = locateToml(text);
  const located = faults.map(({ path, what, fix }) => ({ line: lines.lineOf(path), what, fix }));
  return broken(
    file,
    located.toSorted((a, b) => a.line - b.line),
    restCount,
  );
}

const NODE_TABLES = ['node', 'journal', 'observations'];

interface Checked {
  readonly faults: readonly Fault[];
  /** Faults that are not among them. */
  readonly restCount: number;
  readonly loaded: Loaded | null;
}

function check(raw: unknown, configFolder: string, options: LoadOptions): Checked {
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) {
    const about = { schema: configSchema, value: raw, max: CONFIG_PROBLEMS_MAX };
    const { explanations: faults, restCount } = explainFirst(parsed.error.issues, about);
    return { faults, restCount, loaded: null };
  }
  const file = withNodeId(parsed.data, options.nodeId);
  const { config: node, faults: nodeFaults } = nodeConfig(file, {
    environment: options.environment ?? {},
    configFolder,
  });
  const { declared, faults: rosterFaults } = checkRoster(file, {
    node: node.id,
    adminAddress: options.isRosterOnly === true ? null : node.admin,
    otherPools: options.otherPools ?? new Set<string>(),
  });
  const isAboutNode = NODE_TABLES.some((table) => Object.hasOwn(raw as object, table));
  const faults = [...rosterFaults, ...filterFaults(file.listeners, configFolder)];
  return {
    faults: options.isRosterOnly === true ? faults : [...nodeFaults, ...faults],
    restCount: 0,
    loaded: { node, declared, isAboutNode },
  };
}

function withNodeId(file: ConfigFile, nodeId: string | undefined): ConfigFile {
  if (file.node.id !== undefined || nodeId === undefined) return file;
  return { ...file, node: { ...file.node, id: nodeId } };
}

function checkRoster(file: ConfigFile, around: Surroundings): { declared: DeclaredRoster; faults: readonly Fault[] } {
  if (file.targets.length === 0) return { declared: declaredRoster(file), faults: crossFaults(file, around) };
  if (file.pools.length + file.listeners.length > 0) {
    const what = '[[targets]] is the short form of a config and stands alone';
    const fix = 'move the targets into the backends of a pool';
    return { declared: { pools: [], listeners: [] }, faults: [{ path: ['targets'], what, fix }] };
  }
  return targetsRoster(file.targets);
}

function syntaxProblem(error: unknown): Omit<ConfigProblem, 'file'> {
  const fix = 'mend the TOML syntax there';
  if (!(error instanceof TomlError)) return { line: null, what: 'the file is not TOML', fix };
  const reason = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
  return { line: Math.max(1, error.line), what: `not TOML at column ${error.column}: ${reason}`, fix };
}

function tooLarge(file: string, bytes: number): LoadedConfig {
  const what = `the file has ${bytes} bytes; a config has at most ${CONFIG_BYTES_MAX}`;
  return broken(file, [{ line: null, what, fix: TOO_LARGE_FIX }]);
}

/** `untoldCount`: problems that are known by their number alone. */
function broken(file: string, problems: readonly Omit<ConfigProblem, 'file'>[], untoldCount = 0): LoadedConfig {
  const shown = problems.slice(0, CONFIG_PROBLEMS_MAX).map((problem) => ({ file, ...problem }));
  const restCount = problems.length - shown.length + untoldCount;
  if (restCount > 0) {
    shown.push({ file, line: problems.at(-1)!.line, what: `${restCount} more problems`, fix: 'mend these first' });
  }
  return { outcome: 'broken', problems: shown };
}
