/**
 * The signals that end a node: the first one asks it to drain, a later one to stop waiting.
 *
 * A terminal's Ctrl-C may arrive twice within milliseconds, once from the terminal and once passed on by a parent;
 * what comes within `SAME_SIGNAL_MS` of the first is the same wish.
 */
const SAME_SIGNAL_MS = 500;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface StopSignal {
  /** The first signal's name. */
  readonly first: Promise<string>;
  readonly second: Promise<void>;
  /** Takes the handlers away again. */
  forget(): void;
}

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
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    first: first.promise,
    second: second.promise,
    forget: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
