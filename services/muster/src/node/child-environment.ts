/** What processes that a node or an agent starts are told by the environment: what they need, and no secret of the one that starts them. */

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
