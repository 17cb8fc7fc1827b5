/**
 * `pnpm bench NAME [options]`: runs one benchmark. Each says what it measures in its own file and prints a table.
 */
import { tcpBench } from './tcp.ts';

const benches: Record<string, (options: readonly string[]) => Promise<void>> = { tcp: tcpBench };

const [name = '', ...options] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  console.error(`Usage: node test/bench/main.ts ${Object.keys(benches).join(' | ')} [options]`);
  process.exitCode = 2;
} else {
  await bench(options);
}
