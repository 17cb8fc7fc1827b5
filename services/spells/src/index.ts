/** The spells demo backend as a library: for tests that want one on a port of their own. `main.ts` is the executable. */

export { createSpellsServer, type SpellsServerOptions } from './server.ts';
