/** Whatever others choose, a terminal shows it and does nothing: in every line that goes out, as text and as JSON, and in the log. */
import { assert, constantFrom, array, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { createLog, readableLines } from '../log/log.ts';
import { paint, printable, terminalLine } from '@muster/questions/text';
import { muster, withSpells } from '@muster/cli/testing';

/** Escapes of each kind that a terminal obeys, and what a reader would not see. */
const HOSTILE = constantFrom(
  '\u001b[2J',
  '\u001b]0;title\u0007',
  '\u009b31m',
  '\u0090q\u009c',
  '\r\n',
  '\u0008',
  '\u007f',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2066',
  '\u200b',
  '\ufeff',
  '\ud800',
  '\udc00',
  '\u{e0041}',
  '\u001b[123456789;31m',
);
const hostileText = array(
  HOSTILE.map((text) => text).chain((escape) => string().map((text) => text + escape)),
  {
    minLength: 1,
    maxLength: 6,
  },
).map((parts) => parts.join(''));

const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

test('a line that goes to a terminal holds nothing that it would obey', () => {
  assert(
    property(hostileText, (text) => {
      expect(printable(text)).not.toMatch(OBEYED);
      expect(terminalLine(`backend ${paint('red', text)} ${text}`)).not.toMatch(OBEYED);
      expect(JSON.parse(printable(JSON.stringify(text)))).toBe(text);
    }),
  );
});

test.each(['text', 'json'] as const)('a line of the log as %s holds nothing that a terminal would obey', (format) => {
  assert(
    property(hostileText, (text) => {
      const lines: string[] = [];
      const log = createLog({
        level: 'info',
        format,
        node: 'lb-1',
        output: { write: (line) => void lines.push(line) },
      });
      log.error({ err: Object.assign(new Error(text), { code: text }), origin: text }, `rejected: ${text}`);
      const shown = format === 'text' ? lines : lines.flatMap(readableLines).map((line) => `${line}\n`);
      for (const line of shown) expect(line.slice(0, -1)).not.toMatch(OBEYED);
    }),
  );
});

const REASON = 'r\u001b[2J\u009b31m\u202e\u2028\u2066\u007f\u200b\rx';

/** Commands that print what others chose, and errors that quote it. */
const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['events'],
  ['events', '--rejected'],
  ['backend', 'list'],
  ['diff', '1', 'now'],
  ['explain', 'backend', 'spells', REASON],
  ['backend', 'drain', 'spells', 'spells-1', '--reason', REASON],
  ['apply', '-f', `/nowhere/${REASON}`],
  [`--${REASON}`],
  [REASON],
];

test('no command passes on what a terminal obeys, as text or as JSON', async () => {
  await using admin = await withSpells();
  for (const payload of [
    { type: 'BackendModeSet', mode: 'drain', reason: REASON },
    { type: 'BackendModeSet', mode: REASON },
    { type: REASON },
  ]) {
    await fetch(`${admin.url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'muster-origin': 'a-publisher' },
      body: JSON.stringify({ subject: 'muster.demo.backend.spells.spells-1', payload }),
    });
  }
  let shown = '';
  for (const command of COMMANDS) {
    for (const options of [[], ['--json']]) {
      const { stdout, stderr } = await muster([...options, ...command], { admin });
      expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(OBEYED);
      shown += stdout + stderr;
    }
  }
  expect(shown.split('\\u001b[2J').length).toBeGreaterThan(COMMANDS.length / 2);
});
