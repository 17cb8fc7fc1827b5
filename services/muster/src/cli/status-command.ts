/** `muster status`: the node, its listeners, pools and workers; `--watch` shows it again every second. */
import { setTimeout } from 'node:timers/promises';
import type { RosterView } from '../admin/roster-view.ts';
import type { StatusView } from '../admin/status-view.ts';
import { CliFailure } from './cli-failure.ts';
import { writeJson, writeScreen, type Session } from './session.ts';
import { statusLines, type StatusAnswer } from './status-text.ts';

const WATCH_INTERVAL_MS = 1_000;

export async function showStatus(session: Session, { watch = false }: { watch?: boolean }): Promise<void> {
  if (!watch) {
    const answer = await read(session);
    return session.print(answer, statusLines(answer, Date.now()));
  }
  for (;;) {
    await (session.isJson ? writeJson(await read(session)) : writeScreen(await readLines(session)));
    await setTimeout(WATCH_INTERVAL_MS);
  }
}

/** A node that is away is shown as that: it may come back. */
async function readLines(session: Session): Promise<string[]> {
  try {
    return statusLines(await read(session), Date.now());
  } catch (error) {
    if (error instanceof CliFailure) return [error.message];
    throw error;
  }
}

async function read({ client }: Session): Promise<StatusAnswer> {
  const [status, roster] = await Promise.all([
    client.get<StatusView>('/v1/status'),
    client.get<RosterView>('/v1/roster'),
  ]);
  return { status, roster };
}
