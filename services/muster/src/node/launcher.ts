/**
 * The npm that started this process, and what follows when it is gone.
 *
 *     npm exec muster up          npm passes no signal on, and neither does the shell that it puts in between: whoever ends
 *        └─ sh -c "muster up"     npm means this process, and would leave it running without anybody's knowing
 *             └─ muster up
 *
 * So a process that npm started looks at those two, and ends as on SIGTERM once one of them is gone: a node drains. Nothing else is
 * watched. What was made independent stays so: with a session of its own (`setsid`), behind `&` or `nohup` in npm's script, or started by
 * a script, a shell that somebody types into, or a service manager.
 *
 * Only Linux tells who one's ancestors are. Elsewhere nothing is watched.
 *
 * What this process starts in its turn is told by the environment what it needs, and no secret of the one that starts it.
 */
import { readFileSync } from 'node:fs';

const LOOK_INTERVAL_MS = 500;

/** A process as /proc tells of it. */
interface Ancestor {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** In ticks since the machine started: tells it from a later process with the same id. */
  readonly startedAt: string;
  /** Its arguments; npm writes its own in their place, as one. */
  readonly command: readonly string[];
}

/** Calls back once when an npm that started this process is gone. What looks for that does not keep the process alive. */
export function onLauncherGone(gone: () => void): void {
  if (process.env['npm_execpath'] === undefined) return;
  const self = look(process.pid);
  const launchers = self === null ? [] : launchersOf(self, look);
  if (launchers.length === 0) return;
  const timer = setInterval(() => {
    if (launchers.every(({ pid, startedAt }) => look(pid)?.startedAt === startedAt)) return;
    clearInterval(timer);
    gone();
  }, LOOK_INTERVAL_MS).unref();
}

/** npm, and the shell between it and this process, where there is one; empty where npm did not start it, or it was made independent. */
export function launchersOf(self: Ancestor, find: (pid: number) => Ancestor | null): Ancestor[] {
  const direct = find(self.parent);
  const parent = direct !== null && isOwnLauncher(direct) ? find(direct.parent) : direct;
  if (parent === null) return [];
  const isBetween = isShellFor(parent);
  const npm = isBetween ? find(parent.parent) : parent;
  if (npm === null || !isNpm(npm) || npm.session !== self.session) return [];
  return isBetween ? [parent, npm] : [npm];
}

/** An older Node in `bin/muster.mjs`, or `bootstrap.mjs`: it ends when this process does, and tells it of signals. */
function isOwnLauncher({ command: [, file = ''] }: Ancestor): boolean {
  return /(^|\/)(muster|bootstrap)\.mjs$/.test(file);
}

/** Runs one command in the foreground, as npm has it run. */
function isShellFor({ command: [shell = '', option, script = ''] }: Ancestor): boolean {
  return /(^|\/)(sh|bash|dash|ash|zsh|ksh)$/.test(shell) && option === '-c' && !/&|\b(nohup|setsid)\b/.test(script);
}

/** `npm exec muster up`, as it calls itself, or the program before it does. */
function isNpm({ command }: Ancestor): boolean {
  const [name = '', file = ''] = command;
  return /^(npm|npx|pnpm|yarn)\b/.test(name) || /(^|\/)(npm|npx|pnpm|yarn)(-cli)?(\.[cm]?js)?$/.test(file);
}

/** Null for one that is gone, or where the system does not tell. */
function look(pid: number): Ancestor | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // A program's name stands in brackets and may hold anything. After it: state, parent, group, session, …
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A process that is over waits for its parent to take notice.
    if (fields[0] === 'Z') return null;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return { pid, parent: Number(fields[1]), session: Number(fields[3]), startedAt: fields[19] ?? '', command };
  } catch {
    // It is gone, or this is no Linux.
    return null;
  }
}

/** Tokens, addresses with passwords, and whatever else is said to Muster alone. */
const OURS = /^MUSTER_/i;
/** Of the npm that may have started it, among it tokens of registries; and the ways to the service manager. */
const OF_LAUNCHERS = /^(npm_|NOTIFY_SOCKET$|LISTEN_)/i;

/** For a worker, and so for filters: all that the node was told, save what was meant for the node. */
export function workerEnvironment(): NodeJS.ProcessEnv {
  return without((name) => OURS.test(name) || OF_LAUNCHERS.test(name));
}

/** For the program of an agent, which knows nothing of Muster. */
export function programEnvironment(): NodeJS.ProcessEnv {
  return without((name) => OURS.test(name));
}

function without(isWithheld: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isWithheld(name)));
}
