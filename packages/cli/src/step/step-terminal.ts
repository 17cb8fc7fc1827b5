/**
 * The step screen on a real terminal: the alternate screen, raw keys, the size as it changes, and the terminal as it was when it
 * is over, whatever ended it.
 */
import { once } from 'node:events';
import { messageOf } from '@muster/membership';
import { terminalLine } from '@muster/questions/text';
import { readKeys } from './step-keys.ts';
import { initialStep, step, type StepEffect, type StepInput, type Stepped, type StepState } from './step-model.ts';
import type { StepReader } from './step-reader.ts';
import { screenLines } from './step-screen.ts';

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';

export type StepTerminal = Pick<NodeJS.WriteStream, 'write' | 'on' | 'off' | 'columns' | 'rows'>;
export type StepKeyboard = Pick<NodeJS.ReadStream, 'setRawMode' | 'setEncoding' | 'on' | 'off' | 'resume' | 'pause'>;

export interface StepSession {
  readonly reader: StepReader;
  readonly about: Pick<StepState, 'source' | 'cluster' | 'node' | 'range'>;
  readonly terminal: StepTerminal;
  readonly keyboard: StepKeyboard;
  /** Resolves when something else than a key ends it, for example a signal. */
  readonly ended: Promise<unknown>;
}

/** Resolves when the person leaves. */
export async function runStepScreen({ reader, about, terminal, keyboard, ended }: StepSession): Promise<void> {
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  let { state, effect }: Stepped = initialStep(about);
  const draw = (): void => void terminal.write(frame(state, terminal));
  const take = (input: StepInput): void => {
    ({ state, effect } = step(state, input));
    draw();
    perform(effect);
  };
  const perform = (wanted: StepEffect | null): void => {
    if (wanted?.kind === 'quit') leave();
    if (wanted?.kind !== 'go') return;
    reader.go(wanted.move).then(
      (shown) => take({ kind: 'shown', shown }),
      (error: unknown) => take({ kind: 'failed', message: messageOf(error) }),
    );
  };
  const onKeys = (chunk: string): void => {
    for (const key of readKeys(chunk)) take({ kind: 'key', key });
  };
  terminal.write(ENTER);
  keyboard.setEncoding('utf8');
  keyboard.setRawMode(true);
  keyboard.on('data', onKeys);
  keyboard.on('end', leave);
  terminal.on('resize', draw);
  keyboard.resume();
  try {
    draw();
    perform(effect);
    await Promise.race([left, ended]);
  } finally {
    keyboard.off('data', onKeys);
    keyboard.off('end', leave);
    terminal.off('resize', draw);
    keyboard.setRawMode(false);
    keyboard.pause();
    if (!terminal.write(LEAVE)) await once(terminal as NodeJS.WriteStream, 'drain');
  }
}

/** One write a frame: a terminal then shows it as a whole. Its lines fill the screen, so that nothing has to be erased. */
function frame(state: StepState, { columns, rows }: StepTerminal): string {
  return HOME + screenLines(state, { columns, rows }).map(terminalLine).join('\r\n');
}
