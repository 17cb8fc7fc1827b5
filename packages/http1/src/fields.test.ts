/** The fields of a head as filters see them, and what filters may not do to them. */
import { expect, test } from 'vitest';
import { Fields, fieldValue } from './fields.ts';

const TEXT = 'Accept: text/html\r\nCookie:a=1 \r\ncookie: \t b=2\r\nX: \r\n';

test('the first value of a name is found without case', () => {
  expect(fieldValue(TEXT, 'cookie')).toBe('a=1');
  expect(fieldValue(TEXT, 'accept')).toBe('text/html');
  expect(fieldValue(TEXT, 'x')).toBe('');
  expect(fieldValue(TEXT, 'cook')).toBeNull();
  expect(fieldValue(TEXT, 'text/html')).toBeNull();
  expect(fieldValue('', 'a')).toBeNull();
});

test('a list keeps order, case and repetition', () => {
  const fields = new Fields(TEXT);
  expect([...fields.entries()]).toEqual([
    ['Accept', 'text/html'],
    ['Cookie', 'a=1'],
    ['cookie', 'b=2'],
    ['X', ''],
  ]);
  expect(fields.get('COOKIE')).toBe('a=1');
  expect(fields.getAll('Cookie')).toEqual(['a=1', 'b=2']);
  expect(fields.has('x')).toBe(true);
  expect(fields.get('y')).toBeNull();
  expect(fields.toText()).toBe('Accept: text/html\r\nCookie: a=1\r\ncookie: b=2\r\nX: \r\n');
  expect(new Fields().toText()).toBe('');
});

test('what is set takes the place of all that had the name', () => {
  const fields = new Fields(TEXT);
  fields.set('COOKIE', ' c=3\t');
  fields.set('Y', '1');
  fields.append('accept', 'text/plain');
  expect(fields.toText()).toBe('Accept: text/html\r\nCOOKIE: c=3\r\nX: \r\nY: 1\r\naccept: text/plain\r\n');
});

test('deleting takes all of a name', () => {
  const fields = new Fields(TEXT);
  expect(fields.delete('cookie')).toBe(true);
  expect(fields.delete('cookie')).toBe(false);
  expect(fields.toText()).toBe('Accept: text/html\r\nX: \r\n');
});

test.each(['a\r\nSet-Cookie: b', 'a\nb', 'a\rb', 'a\0', '\x7f', '\u0100', '\u{1f600}'])(
  'the value %j is refused',
  (value) => {
    const fields = new Fields();
    expect(() => fields.set('A', value)).toThrow(TypeError);
    expect(() => fields.append('A', value)).toThrow(/the value of A has a control character/);
    expect(fields.toText()).toBe('');
  },
);

test.each(['', 'a b', 'a:', 'a\r\n', 'é', '('])('the name %j is refused', (name) => {
  expect(() => new Fields().set(name, '1')).toThrow(/is not a field name/);
});

test('what is no text is refused, whatever a filter in JavaScript hands over', () => {
  expect(() => new Fields().set('A', 1 as unknown as string)).toThrow(/is not a string/);
  expect(() => new Fields().set(undefined as unknown as string, '1')).toThrow(/is not a field name/);
});

test.each([
  'Content-Length',
  'transfer-encoding',
  'HOST',
  'Connection',
  'Keep-Alive',
  'Proxy-Connection',
  'TE',
  'Upgrade',
])('%s is not to be touched', (name) => {
  const fields = new Fields(`${name}: 1\r\n`);
  expect(() => fields.set(name, '2')).toThrow(/not a filter's to change/);
  expect(() => fields.append(name, '2')).toThrow(TypeError);
  expect(() => fields.delete(name)).toThrow(TypeError);
  expect(fields.get(name)).toBe('1');
});
