/** `muster status`: the node, its listeners, pools and workers; `--watch` shows it again every second. */
import { setTimeout } from 'node:timers/promises';
import { errorBody } from '@muster/questions/answers';
import type { RosterView } from '@muster/questions/roster';
import type { StatusView } from '@muster/questions/status';
import { cut, terminalLine, writeControl, writeJson, writeLines, type Line } from '@muster/questions/text';
import { CliFailure, UsageError } from '../cli-failure.ts';
import { type Session } from '../session.ts';
import { type StatusAnswer, statusLines, type StatusTextOptions } from './status-text.ts';

const WATCH_INTERVAL_MS = 1_000;

export interface StatusOptions {
  readonly watch?: boolean;
  readonly pool?: string;
  readonly wrong?: boolean;
  readonly all?: boolean;
}

/** JSON is the whole status, whatever rows were asked for. */
export async function showStatus(session: Session, options: StatusOptions): Promise<void> {
  const { watch = false, pool, wrong = false, all = false } = options;
  if (wrong && all) throw new UsageError('--wrong and --all ask for different rows; give one of them');
  const shown: StatusTextOptions = { pool, rows: wrong ? 'wrong' : all ? 'all' : 'summary' };
  if (!watch) {
    const answer = await read(session, pool);
    return session.print(answer, statusLines(answer, Date.now(), shown));
  }
  using screen = process.stdout.isTTY && !session.isJson ? new Screen() : null;
  for (;;) {
    await (session.isJson ? writeStatus(session) : show(session, screen, shown));
    await (screen === null ? setTimeout(WATCH_INTERVAL_MS) : screen.untilResized(WATCH_INTERVAL_MS));
  }
}

/** A node that is away is told in the same shape as any error, one line like the others. */
async function writeStatus(session: Session): Promise<void> {
  try {
    await writeJson(await read(session));
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    await writeJson(errorBody(error));
  }
}

async function show(session: Session, screen: Screen | null, shown: StatusTextOptions): Promise<void> {
  const lines = session.set(await readLines(session, { ...shown, height: screen?.height ?? null }));
  await (screen === null ? writeLines([...lines, '']) : writeControl(screen.frame(lines)));
}

/** A node that is away is shown as that: it may come back. */
async function readLines(session: Session, shown: StatusTextOptions): Promise<Line[]> {
  try {
    return statusLines(await read(session, shown.pool), Date.now(), shown);
  } catch (error) {
    if (error instanceof CliFailure) return [error.message];
    throw error;
  }
}

async function read({ client }: Session, pool?: string): Promise<StatusAnswer> {
  const [status, roster] = await Promise.all([
    client.get<StatusView>('/v1/status'),
    client.get<RosterView>('/v1/roster'),
  ]);
  // Asked for by its name, it is refused by the node, with the name that was meant.
  if (pool !== undefined && !roster.pools.some(({ id }) => id === pool)) {
    await client.get(`/v1/pools/${encodeURIComponent(pool)}`);
  }
  return { status, roster };
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_REST_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * The terminal's other screen, so that what was on it before is there again afterwards, whichever way the command ends. A frame is
 * never higher than the terminal: its head would scroll away.
 */
class Screen implements Disposable {
  readonly #leave = (signal: NodeJS.Signals): void => {
    this[Symbol.dispose]();
    // As if nobody had listened: who started the command is to see by which signal it ended.
    process.kill(process.pid, signal);
  };

  constructor() {
    void writeControl(ENTER);
    for (const signal of ENDING_SIGNALS) process.on(signal, this.#leave);
  }

  /** Lines that a frame may have. */
  get height(): number {
    return Math.max(1, process.stdout.rows - 1);
  }

  frame(lines: readonly string[]): string {
    const fitting =
      lines.length <= this.height
        ? lines
        : [...lines.slice(0, this.height - 1), `… ${lines.length - this.height + 1} more lines`];
    return (
      HOME +
      fitting.map((line) => `${terminalLine(cut(line, process.stdout.columns))}${CLEAR_REST_OF_LINE}\n`).join('') +
      CLEAR_BELOW
    );
  }

  /** Resolves after so many ms, or at once when the terminal has another size. */
  async untilResized(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = globalThis.setTimeout(resolve, ms);
    process.stdout.once('resize', resolve);
    await promise;
    clearTimeout(timer);
    process.stdout.off('resize', resolve);
  }

  [Symbol.dispose](): void {
    for (const signal of ENDING_SIGNALS) process.off(signal, this.#leave);
    void writeControl(LEAVE);
  }
}
