/** How a demo gives up. What it has started ends with its process. */
import { writeError } from '@muster/questions/text';

/** One line for people, and the exit code 1. */
export function fail(message: string): never {
  writeError(...`muster: ${message}`.split('\n'));
  process.exit(1);
}
