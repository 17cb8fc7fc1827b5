/**
 * The other network's side of a passage (see `passage.ts`): run in that network, with the unix socket that it serves, the
 * one that it calls, and the ports that lead there.
 */
import { startFarEnd, startForwarder } from './passage.ts';

const [inside = '', outside = '', ...ports] = process.argv.slice(2);
await startFarEnd(inside);
for (const port of ports.map(Number)) await startForwarder(port, { path: outside, port });
process.stdout.write('open\n');
