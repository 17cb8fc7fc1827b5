/**
 * What each signal means to a process of a node. Left alone, Node would end the process on nearly all of them, undrained, and open
 * an inspector on SIGUSR1, through which anybody on this machine could run code in it.
 *
 *     stop      TERM INT QUIT PWR XCPU       drain; a later one ends the wait
 *     reload    HUP                          read the config again; where the terminal has hung up: stop
 *     unused    USR1 USR2 ALRM VTALRM PROF IO STKFLT      a line in the log, and nothing else
 *
 * KILL, STOP and the real-time signals cannot be heard. TSTP and CONT do what they always do; PIPE, XFSZ and WINCH do nothing; what
 * stands for a defect (SEGV, BUS, ILL, FPE, ABRT, SYS, TRAP) ends the process. `docs/operations.md` has the whole list.
 */
import { constants } from 'node:os';
import { isatty } from 'node:tty';

const STOP_SIGNALS = known(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGPWR', 'SIGXCPU']);
const UNUSED_SIGNALS = known(['SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM', 'SIGPROF', 'SIGIO', 'SIGSTKFLT']);

/**
 * A terminal's Ctrl-C may arrive twice within milliseconds, once from the terminal and once passed on by a parent;
 * what comes within this time of the first is the same wish.
 */
const SAME_SIGNAL_MS = 500;

export interface StopSignal {
  /** The first signal's name. */
  readonly first: Promise<string>;
  readonly second: Promise<void>;
  /** Takes the handlers away again. */
  forget(): void;
}

/** The signals that end a node: the first one asks it to drain, a later one to stop waiting. */
export function stopSignal(): StopSignal {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<void>();
  let firstMs: number | null = null;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstMs === null) {
      firstMs = performance.now();
      first.resolve(signal);
    } else if (performance.now() - firstMs > SAME_SIGNAL_MS) second.resolve();
  };
  return { first: first.promise, second: second.promise, forget: onStopSignals(onSignal) };
}

const STDIN = 0;
const hadTerminal = isatty(STDIN);

/**
 * True once the terminal is gone that this process was started in, and with it the person in front of it. `nohup` and service managers
 * give a process another stdin, so it is never true for what they started.
 */
function hasHungUp(): boolean {
  return hadTerminal && !isatty(STDIN);
}

/** Calls back for SIGHUP, save where it says that the terminal has hung up. Returns the function that ends it. */
export function onReloadSignal(reload: () => void): () => void {
  return onSignals(['SIGHUP'], () => {
    if (!hasHungUp()) reload();
  });
}

/** From then on, signals that mean nothing here do nothing; `onUnused` may say so. Returns the function that ends it. */
export function ignoreUnusedSignals(onUnused: (signal: string) => void = () => undefined): () => void {
  return onSignals(UNUSED_SIGNALS, onUnused);
}

/** For a worker, which takes orders from its parent alone: every signal that can be heard does nothing. */
export function ignoreSignals(): void {
  onSignals([...STOP_SIGNALS, 'SIGHUP', ...UNUSED_SIGNALS], () => undefined);
}

/** Calls back for the signals that end a process, and for a terminal that hangs up. Returns the function that ends it. */
export function onStopSignals(stop: (signal: NodeJS.Signals) => void): () => void {
  const forgetStop = onSignals(STOP_SIGNALS, stop);
  const forgetHangUp = onSignals(['SIGHUP'], (signal) => {
    if (hasHungUp()) stop(signal);
  });
  return () => {
    forgetStop();
    forgetHangUp();
  };
}

/** For an agent: signals that mean something to many programs are for its program. Returns the function that ends it. */
export function onProgramSignals(pass: (signal: NodeJS.Signals) => void): () => void {
  const passed = onSignals(known(['SIGUSR1', 'SIGUSR2', 'SIGWINCH']), pass);
  const reload = onSignals(['SIGHUP'], (signal) => {
    if (!hasHungUp()) pass(signal);
  });
  return () => {
    passed();
    reload();
  };
}

function onSignals(signals: readonly NodeJS.Signals[], handler: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

/** Those that this system has. */
function known(signals: readonly NodeJS.Signals[]): NodeJS.Signals[] {
  return signals.filter((signal) => Object.hasOwn(constants.signals, signal));
}
