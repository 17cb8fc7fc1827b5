/**
 * The nodes of a cluster as people read them: who has folded how far, whether all agree, and what somebody must look at.
 *
 *     NODE   REVISION  LAG  AGREES             VERSION  HEARD
 *     lb-1   42        0    (this node)
 *     lb-2   40        2    yes, at 40         0.1.0    0.4 s ago
 *     lb-3   31        0    NO, at 31          0.1.0    12 s ago, silent
 */
import type { EpochChange, MassSilence, PeerStatus } from '@muster/actors';
import type { RosterView } from '@muster/questions/roster';
import type { StatusView } from '@muster/questions/status';
import { duration, paint, printable, tableLines, timeOfDay, type Line } from '@muster/questions/text';
import { isUnconfirmed } from './journal-text.ts';

/** One row a node; nothing for a node that is alone. */
export function nodeLines(
  { status, roster }: { readonly status: StatusView; readonly roster: RosterView },
  nowMs: number,
): Line[] {
  const { node, revision, headRevision, hash, peers } = status;
  const heard = new Set([node, ...peers.map((peer) => peer.node)]);
  const unheard = roster.nodes.filter(({ id, state }) => state.value === 'started' && !heard.has(id));
  if (peers.length + unheard.length === 0) return [];
  const rows = [
    [node, String(revision), String(Math.max(0, headRevision - revision)), hash, '(this node)'],
    ...peers.map((peer) => peerRow(peer, nowMs)),
    ...unheard.map(({ id }) => [id, '-', '-', '-', '-', '-', paint('yellow', 'never')]),
  ];
  return tableLines(['NODE', 'REVISION', 'LAG', 'HASH', 'AGREES', 'VERSION', 'HEARD'], rows);
}

function peerRow(peer: PeerStatus, nowMs: number): string[] {
  const { node, revision, lag, hash, version, heardMs, isHeard } = peer;
  const ago = `${duration(nowMs - heardMs)} ago`;
  const heard = isHeard ? ago : paint('yellow', `${ago}, silent`);
  return [node, String(revision), String(lag), hash, agreementText(peer), printable(version), heard];
}

function agreementText({ agreement, comparedRevision }: PeerStatus): string {
  switch (agreement) {
    case 'equal':
      return paint('green', `yes, at ${comparedRevision}`);
    case 'differs':
      return paint('red', `NO, at ${comparedRevision}`);
    case 'other-epoch':
      return paint('red', 'NO, another history');
    case 'unknown':
      return 'not known yet';
  }
}

/** What is wrong in a way that a person must look at; empty in ordinary times. */
export function alertLines(status: StatusView): string[] {
  const { node, name, epochChange, confirmation, isNameTaken, peers, massSilence, journalDamage } = status;
  const differing = peers.filter(({ agreement }) => agreement === 'differs').map((peer) => peer.node);
  return [
    ...(epochChange === null ? [] : epochLines(epochChange, isUnconfirmed(status))),
    ...(confirmation?.isGone ? GONE_LINES : []),
    ...(confirmation?.unfit ? [`NOTHING IS APPENDED TO THE JOURNAL: ${confirmation.unfit}`] : []),
    ...((journalDamage ?? null) === null ? [] : [`THE JOURNAL IS DAMAGED: ${journalDamage}`]),
    ...(massSilence === null ? [] : [massSilenceLine(massSilence)]),
    ...(name.state === 'standing-back' && name.reason !== null ? [`THIS PROCESS STANDS BACK: ${name.reason}`] : []),
    ...(isNameTaken && name.state === 'held'
      ? [`ANOTHER PROCESS CALLS ITSELF NODE ${node}: give each node an id of its own, with id = "…" under [node]`]
      : []),
    ...(differing.length > 0
      ? [`THE HASHES DIFFER from ${differing.join(', ')}: whoever is wrong rebuilds itself; see the logs of both`]
      : []),
  ].map((line) => paint('red', printable(line)));
}

const GONE_LINES = [
  'THE JOURNAL IS GONE: its stream was deleted, and only the nodes that run, and their snapshots, know the roster',
  'do not stop them, and start no node that has no local snapshot, least of all with --new-cluster: it would have nothing to serve',
  'to write what this node serves into a new stream: muster restore-history, which shows it first',
];

function massSilenceLine({ sinceMs, silentCount, watchedCount }: MassSilence): string {
  const what = `${silentCount} OF ${watchedCount} MEMBERS AND NODES FELL SILENT TOGETHER (seen ${timeOfDay(sinceMs)})`;
  return `${what}: it may be this node that is alone; their leases end if they stay silent for another one`;
}

function epochLines(
  { from, to, sinceMs, revision, poolsCount, missingCount }: EpochChange,
  isUnsure: boolean,
): string[] {
  const what =
    from === to
      ? `THE JOURNAL HAS LOST EVENTS that this node has (seen ${timeOfDay(sinceMs)}): it ends at revision ${revision}`
      : `THE JOURNAL IS ANOTHER ONE (since ${timeOfDay(sinceMs)}): this node serves ${from}, the journal is now ${to}`;
  const lacks = missingCount === null ? 'it is still being read' : `it lacks ${missingCount} of the things served here`;
  return [
    `${what}, with ${poolsCount} pool(s); ${lacks}`,
    ...(isUnsure
      ? ["what was served is served on; the journal's leader is not heard now, so adopt nothing before it is"]
      : [
          'what was served is served on, and the other is taken by itself once it lacks nothing of that',
          'to write it into the other: muster restore-history, which shows it first; to take the other as it is: muster adopt-epoch',
        ]),
  ];
}
