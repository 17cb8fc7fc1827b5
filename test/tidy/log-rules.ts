/**
 * How errors are logged, and what may write to a terminal: `log.error({ err }, 'what it means')`, so that the stack is in the line.
 *
 * Only the name `err` keeps an error: under any other, pino writes `{}` in its place. A sentence alone says what happened and not where.
 */
import { parseSync } from 'oxc-parser';
import type { SourceFile } from './source-files.ts';

const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);
const LOG_NAMES = new Set(['log', 'logger']);
/** Names under which an error would be lost. */
const LOST_KEYS = new Set(['e', 'error', 'cause', 'exception', 'ex']);
const ERROR_NAMES = /^(e|err|error|cause|reason)$/;

/** A node of the syntax tree, as oxc gives it (ESTree). */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** Every log call of what ships, and every way around `session.ts` to a terminal. */
export function logFaults({ path, text }: SourceFile): string[] {
  if (!/^(packages|services)\/[^/]+\/src\//.test(path) || path.endsWith('.test.ts')) return [];
  const faults: string[] = [];
  const add = ({ start }: Node, what: string): void => {
    faults.push(`${path}:${text.slice(0, start).split('\n').length}: ${what}`);
  };
  for (const call of nodesOf(parseSync(path, text).program, (node) => node.type === 'CallExpression')) {
    const { object, property } = memberOf(call['callee']);
    if (isLog(object) && (property === null || LEVELS.has(property))) checkLogCall(call, property, add);
    if (path.startsWith('services/muster/') || path.startsWith('packages/')) checkWrite(path, call, add);
  }
  return faults;
}

type Add = (node: Node, what: string) => void;

function checkLogCall(call: Node, level: string | null, add: Add): void {
  const [fields, ...rest] = call['arguments'] as Node[];
  if (fields === undefined || fields.type === 'Literal' || fields.type === 'TemplateLiteral') {
    return add(call, 'logs a text without fields: fields come first, {} where there are none');
  }
  const keys = fields.type === 'ObjectExpression' ? (fields['properties'] as Node[]).map(keyOf) : [];
  const lost = keys.find((key) => LOST_KEYS.has(key));
  if (lost !== undefined) add(call, `logs an error as ${lost}, which is written as {}: its name is err`);
  const mayHoldError = fields.type !== 'ObjectExpression' || keys.includes('err');
  if (mayHoldError || (level !== 'error' && level !== 'fatal' && level !== null)) return;
  if ([fields, ...rest].some(takesMessage)) add(call, 'logs the message of an error without the error: add err');
}

/** `error.message`, or `messageOf(error)`. */
function takesMessage(node: Node): boolean {
  const found = nodesOf(node, (inner) => {
    if (inner.type === 'CallExpression') {
      const callee = inner['callee'] as Node;
      return callee.type === 'Identifier' && /messageOf$/i.test(String(callee['name']));
    }
    const { object, property } = memberOf(inner);
    return property === 'message' && object !== null && ERROR_NAMES.test(lastName(object));
  });
  return found.length > 0;
}

const TERMINAL_FILE = 'packages/questions/src/text/output.ts';

function checkWrite(path: string, call: Node, add: Add): void {
  const { object, property } = memberOf(call['callee']);
  if (object === null) return;
  if (object.type === 'Identifier' && object['name'] === 'console') add(call, 'writes to the console: use the log');
  const isStream = ['stdout', 'stderr'].includes(lastName(object)) && memberOf(object).object?.['name'] === 'process';
  if (isStream && property === 'write' && path !== TERMINAL_FILE)
    add(call, `writes to a terminal: use ${TERMINAL_FILE}`);
}

function isLog(node: Node | null): boolean {
  return node !== null && LOG_NAMES.has(lastName(node));
}

/** `a.b` has the property `b`, `a[b]` one that is null. */
function memberOf(value: unknown): { readonly object: Node | null; readonly property: string | null } {
  const node = value as Node;
  if (node.type === 'ChainExpression') return memberOf(node['expression']);
  if (node.type !== 'MemberExpression') return { object: null, property: null };
  const property = node['computed'] === true ? null : String((node['property'] as Node)['name']);
  return { object: node['object'] as Node, property };
}

/** `log` of `log`, `this.#log` and `options.log`. */
function lastName(node: Node): string {
  return node.type === 'Identifier' ? String(node['name']) : (memberOf(node).property ?? '');
}

function keyOf(property: Node): string {
  const key = property['key'] as { readonly name?: string; readonly value?: string } | undefined;
  return key?.name ?? key?.value ?? '';
}

function nodesOf(root: unknown, isWanted: (node: Node) => boolean): Node[] {
  if (Array.isArray(root)) return root.flatMap((item) => nodesOf(item, isWanted));
  if (typeof root !== 'object' || root === null) return [];
  const inner = Object.values(root).flatMap((value) => nodesOf(value, isWanted));
  return 'type' in root && isWanted(root as Node) ? [root as Node, ...inner] : inner;
}
