/**
 * How a node was told to run: what of a config file is not about the roster, as the file has it. The running node shows what is in
 * force, and a file is compared with that, since none of it changes without a restart.
 *
 * As it stands in the file, and not as it was filled in: a default that comes from a machine (its cores, its name) would differ
 * between the node's machine and the one on which the file is read. Without secrets: of a server's URL the user is left out,
 * and tokens and keys are in files of which only the names are known here.
 */
import type { ConfigFile } from './config-schema.ts';

type NodeTables = Pick<ConfigFile, 'node' | 'journal' | 'observations' | 'resolver'>;

/** `{"node.workers": 2, "journal.kind": "embedded"}`; what the file leaves out and has no fixed default is absent. */
export type NodeSettings = Readonly<Record<string, unknown>>;

export function nodeSettings({ node, journal, observations, resolver }: NodeTables) {
  const { id: _id, ...ofNode } = node;
  const { servers, ...ofJournal } = journal;
  const tables = {
    node: ofNode,
    journal: { ...ofJournal, ...(servers !== undefined && { servers: servers.map(withoutUser) }) },
    observations,
    resolver,
  };
  const entries = Object.entries(tables).flatMap(([table, fields]) =>
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]): [string, unknown] => [`${table}.${field}`, value]),
  );
  return Object.fromEntries(entries) as NodeSettings;
}

function withoutUser(server: string): string {
  return server.replace(/^([a-z]+:\/\/)?[^/]*@/i, '$1');
}
