/** How a demo gives up: one line for people, and the exit code 1. What it has started ends with its process. */
export function fail(message: string): never {
  process.stderr.write(`muster: ${message}\n`);
  process.exit(1);
}
