/**
 * Where each key of a TOML text stands, so that a complaint about a value can name its line.
 *
 * The parser that reads configs gives values without places. So a text that is wrong is parsed once more, into a syntax tree, and the line
 * of every table header, key, array element and inline table is noted by its path.
 */
import type { KeyPath } from '@muster/questions';
import { ParseError, parseTOML, type AST } from 'toml-eslint-parser';

export interface TomlLines {
  /** Line of a path, from 1. Of the nearest table around it where the path itself is not in the text; else 1. */
  lineOf(path: KeyPath): number;
}

/** A text that the tree's parser refuses, although the other one took it, has all its keys on line 1. */
export function locateToml(text: string): TomlLines {
  const linesByPath = new Map<string, number>();
  const note = (path: KeyPath, { loc }: AST.TOMLNode): void => {
    const key = JSON.stringify(path);
    if (!linesByPath.has(key)) linesByPath.set(key, loc.start.line);
  };
  for (const node of topLevel(text)) {
    if (node.type === 'TOMLKeyValue') {
      notePair([], node, note);
      continue;
    }
    // The first table of an array is also the array's own place.
    if (node.kind === 'array') note(node.resolvedKey.slice(0, -1), node);
    note(node.resolvedKey, node);
    for (const pair of node.body) notePair(node.resolvedKey, pair, note);
  }
  return {
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const line = linesByPath.get(JSON.stringify(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}

function topLevel(text: string): AST.TOMLTopLevelTable['body'] {
  try {
    return parseTOML(text, { tomlVersion: 'latest' }).body[0].body;
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}

type Note = (path: KeyPath, node: AST.TOMLNode) => void;

/** `a.b = …` is a place of `a` and of `a.b`. */
function notePair(table: KeyPath, { key, value }: AST.TOMLKeyValue, note: Note): void {
  let path = table;
  for (const part of key.keys) {
    path = [...path, part.type === 'TOMLBare' ? part.name : part.value];
    note(path, key);
  }
  noteValue(path, value, note);
}

function noteValue(path: KeyPath, value: AST.TOMLContentNode, note: Note): void {
  if (value.type === 'TOMLInlineTable') for (const pair of value.body) notePair(path, pair, note);
  if (value.type !== 'TOMLArray') return;
  for (const [index, element] of value.elements.entries()) {
    note([...path, index], element);
    noteValue([...path, index], element, note);
  }
}
