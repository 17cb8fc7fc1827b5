/**
 * The entry of the `muster` command.
 *
 * What Node compiled is kept beside the installed packages, which halves the time of a short command. Where that folder
 * cannot be written, as in a read-only container, nothing is kept. Never in the system's temporary folder: what lies there
 * may be somebody else's.
 */
import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { onLauncherGone } from './node/launcher.ts';

// Whatever the command: no inspector, and no end that nobody notices. A node and an agent hear the second one and drain.
process.on('SIGUSR1', () => undefined);
onLauncherGone(() => process.kill(process.pid, 'SIGTERM'));

/** A node has loaded what it needs by then; a short command has ended. */
const COMPILED_AFTER_MS = 2_000;
const COMPILE_CACHE = fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url));
enableCompileCache(COMPILE_CACHE);
// The workers and the journal's thread look there.
process.env['NODE_COMPILE_CACHE'] ??= COMPILE_CACHE;
// Node writes it when a process ends by itself. A node that is killed some day has then been compiled once, too.
setTimeout(flushCompileCache, COMPILED_AFTER_MS).unref();
const { run } = await import('@muster/cli');
const { SURROUNDINGS } = await import('./commands/own-commands.ts');

process.exitCode = await run(process.argv.slice(2), SURROUNDINGS);
