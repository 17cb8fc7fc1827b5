/**
 * Loaded into a process before its own code (`node --import`): its wall clock then goes by a file. See `stepped-clock.ts`.
 */
import { readFileSync } from 'node:fs';
import { CLOCK_LOOK_INTERVAL_MS, CLOCK_SHIFT_FILE } from './stepped-clock.ts';

const file = process.env[CLOCK_SHIFT_FILE]!;
const RealDate = Date;
let shiftMs = 0;

function look(): void {
  shiftMs = Number(readFileSync(file, 'utf8'));
}

class ShiftedDate extends RealDate {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(ShiftedDate.now());
    else super(...(args as ConstructorParameters<typeof Date>));
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

look();
setInterval(look, CLOCK_LOOK_INTERVAL_MS).unref();
globalThis.Date = ShiftedDate as DateConstructor;
