/**
 * Texts that nobody sends on purpose: long, deep, wide, many, cut off, and made of the beginnings of what a reader looks for. A
 * text is a shape and a size, so that the same text can be had four times as long and its cost compared.
 */
import * as fc from 'fast-check';

/** What readers of ours look for, whole and in part. */
const PIECES = [
  '[', '{', '{"a":', '[[],', '"', "'", '\\', '\\u0000', ',', ':', '=', ' ', '\t', '\n', '\r\n', '/', '//', '(/', '?', '&', '#', ';', '@',
  '*', '*.', '.', '..', '-', '_', '%', '%2f', '0', '9', '-1', '1e9', '.5', 'a', 'a.', 'a-', 'A', 'é', '漢', '\u202e', '\u001b[2J', '\u0000',
  'token', 'token=', 'token ', 'password: ', 'bearer ', 'basic ', 'eyJ', 'eyJ-aaaaaaaa-', 'eyJaaaaaaaa.', 'nats://', 'a://', 'S', 'SU',
  '-----BEGIN ', '-----BEGIN PRIVATE KEY-----', '(a://', '/token/', "seed='", '10.0.0.1:80,', '::', '[::', ':80', 'unix:/', '/32', 'b.c.', 'x?y=',
  'type', '"type":', '"type":"PoolDefined",', 'null,', 'true', '1,', '[pools]\n', '[[pools]]\n', '[a.', 'a = [', 'a = {', '"""', "'''",
  'a=1\n', 'id = "a"\n', 'muster.', 'muster.test.pool.', '5m', '1h', '2026-', 'T', 'Z', '+00:00', '>', 'event: ', 'data: ',
] as const; // prettier-ignore

/** In what a text stands: as it is, or as a part of a JSON document that would be read were it not for this. */
const FRAMES = ['bare', 'nested', 'field', 'name', 'items', 'fields', 'type', 'cut'] as const;

export interface Shape {
  readonly frame: (typeof FRAMES)[number];
  readonly pieces: readonly string[];
  readonly ending: string;
}

export const shapes: fc.Arbitrary<Shape> = fc.record({
  frame: fc.constantFrom(...FRAMES),
  pieces: fc.array(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ maxLength: 4 })), {
    minLength: 1,
    maxLength: 3,
  }),
  ending: fc.oneof(fc.constant(''), fc.constantFrom(...PIECES)),
});

/** A text of a shape, of about so many characters. */
export function textOf({ frame, pieces, ending }: Shape, characters: number): string {
  const piece = pieces.join('') || 'a';
  const repeated = (room: number) => piece.repeat(Math.max(1, Math.floor(room / piece.length))) + ending;
  const many = Math.max(1, Math.floor(characters / 24));
  switch (frame) {
    case 'bare':
      return repeated(characters);
    case 'nested':
      return `{"type":"PoolDefined","a":${'['.repeat(characters / 2)}${']'.repeat(characters / 2)}}`;
    case 'field':
      return JSON.stringify({ type: 'BackendRegistered', target: repeated(characters), reason: repeated(20) });
    case 'name':
      return JSON.stringify({ type: 'PoolDefined', [repeated(characters)]: 1 });
    case 'items':
      return JSON.stringify({ type: 'ListenerDefined', bind: ':1', trustedProxies: Array(many).fill(repeated(8)) });
    case 'fields':
      return `{${Array.from({ length: many }, (_, index) => `${JSON.stringify(`${repeated(4)}${index}`)}:${index}`).join(',')}}`;
    case 'type':
      return JSON.stringify({ type: repeated(characters), version: repeated(characters / 2) });
    case 'cut':
      return JSON.stringify({ type: 'PoolDefined', health: { http: repeated(characters) } }).slice(0, -3);
  }
}
