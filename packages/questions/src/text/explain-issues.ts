/**
 * What zod found wrong, in words for a person: which key, what is wrong with it, and what to do, with "did you mean"
 * where a name is nearly right. The config file and the admin API say it alike.
 *
 * It walks the schema that refused, to know which keys and values would have been right there.
 */
import { clip, nearestName } from '@muster/membership';
import type { z } from 'zod';

/** Where in what was given: `['pools', 0, 'backends', 2, 'target']`. */
export type KeyPath = readonly (string | number)[];

export interface Explanation {
  readonly path: KeyPath;
  readonly what: string;
  readonly fix: string;
  /** The key or value that was most likely meant, or null. */
  readonly suggestion: string | null;
}

/** The faults that are explained, and how many others there are. */
export interface ExplainedFaults {
  readonly explanations: readonly Explanation[];
  readonly restCount: number;
}

/**
 * Explanations of the first faults, `max` at most; `value` is what `schema` refused. Each looks for what was meant, and a text may have a
 * hundred thousand wrong keys: the others are only counted.
 */
export function explainFirst(
  issues: readonly z.core.$ZodIssue[],
  { schema, value, max }: { readonly schema: z.core.$ZodType; readonly value: unknown; readonly max: number },
): ExplainedFaults {
  const explanations = explainIssues(firstFaults(issues, max), schema, value).slice(0, max);
  const faultsCount = issues.reduce((sum, issue) => sum + countOf(issue), 0);
  return { explanations, restCount: Math.max(0, faultsCount - explanations.length) };
}

/** How many fields an issue is about. */
function countOf(issue: z.core.$ZodIssue): number {
  return issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
}

/** Issues about so many faults or a few more. */
function firstFaults(issues: readonly z.core.$ZodIssue[], max: number): z.core.$ZodIssue[] {
  return issues
    .slice(0, max)
    .map((issue) => (issue.code === 'unrecognized_keys' ? { ...issue, keys: issue.keys.slice(0, max) } : issue));
}

/** One explanation per fault; `value` is what `schema` refused. */
export function explainIssues(
  issues: readonly z.core.$ZodIssue[],
  schema: z.core.$ZodType,
  value: unknown,
): Explanation[] {
  return issues.flatMap((issue) => explain(issue, schema, value));
}

function explain(issue: z.core.$ZodIssue, schema: z.core.$ZodType, value: unknown): Explanation[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const found = at(value, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => explainKey([...path, key], key, keysAt(schema, value, path)));
    case 'invalid_union':
      return explainUnion(issue, { path, schema, value });
    case 'invalid_value':
      return [explainChoice(path, found, issue.values.map(String))];
    case 'invalid_type':
      if (found === undefined) return [explainMissing(path, schema, value)];
      return [
        {
          path,
          what: `${nameOf(path)} is ${kindOf(found)}`,
          fix: `it must be ${article(issue.expected)}`,
          suggestion: null,
        },
      ];
    case 'too_small':
      return [explainLimit(path, found, limitText('at least', Number(issue.minimum), issue.origin))];
    case 'too_big':
      return [explainLimit(path, found, limitText('at most', Number(issue.maximum), issue.origin))];
    case 'custom':
      return [{ path, what: customFault(path, found), fix: issue.message, suggestion: null }];
    default:
      return [{ path, what: `${nameOf(path)} is ${excerpt(found)}`, fix: issue.message, suggestion: null }];
  }
}

/** A rule of our own, whose message says what to do. What is too large to be shown is only named. */
function customFault(path: KeyPath, found: unknown): string {
  if (found === undefined) return `${nameOf(path)} is missing`;
  return typeof found === 'object' ? `${nameOf(path)} does not fit` : `${nameOf(path)} is ${excerpt(found)}`;
}

interface Place {
  readonly path: KeyPath;
  readonly schema: z.core.$ZodType;
  readonly value: unknown;
}

/** Of a union's branches the one that comes nearest speaks; where none does, the choice itself is what is missing. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, { path, schema, value }: Place): Explanation[] {
  if (issue.errors.length === 0 && issue.discriminator !== undefined) {
    return [explainDiscriminator(issue.discriminator, { path, schema, value })];
  }
  const here = at(value, path);
  const branches = issue.errors.map((branch) => branch.map((inner) => ({ ...inner, path: [...path, ...inner.path] })));
  const weighed = branches
    .map((branch) => ({ branch, weight: branch.reduce((sum, inner) => sum + weightOf(inner, path), 0) }))
    .sort((a, b) => a.weight - b.weight);
  const [nearest, second] = weighed;
  if (nearest !== undefined && typeof here === 'object' && here !== null && nearest.weight !== second?.weight) {
    return explainIssues(nearest.branch, schema, value);
  }
  const options = schemaAt(schema, value, path).flatMap((found) => unionOptions(found));
  const fix = `it may be ${[...new Set(options.map(optionText))].join(', or ')}`;
  const empty = typeof here === 'object' && here !== null && Object.keys(here).length === 0;
  const what = empty
    ? `${nameOf(path)} is ${Array.isArray(here) ? 'an empty list' : 'an empty table'}`
    : `${nameOf(path)} is ${excerpt(here)}`;
  return [{ path, what, fix, suggestion: null }];
}

/** The options of a union, and of those in it, without what is wrapped around them. */
function unionOptions(schema: z.core.$ZodType): z.core.$ZodType[] {
  return unwrap(schema).flatMap((found) => {
    const def = defOf(found);
    return def.type === 'union' ? (def.options ?? []).flatMap(unionOptions) : [found];
  });
}

const OPTION_KEYS_SHOWN_MAX = 6;

/** `false`, `a whole number`, `a table with http (and host, intervalMs, …)`: what one of several may be. */
function optionText(option: z.core.$ZodType): string {
  const { type, values = [], shape = {}, checks } = defOf(option);
  if (type === 'literal') return values.map((one) => JSON.stringify(one)).join(' or ');
  if (type !== 'object') return checks === undefined ? article(type) : (ruleOf(option) ?? article(type));
  const keys = Object.keys(shape);
  const needed = keys.filter((key) => !isOptional(shape[key]!));
  const others = keys.filter((key) => !needed.includes(key));
  const shown =
    others.slice(0, OPTION_KEYS_SHOWN_MAX).join(', ') + (others.length > OPTION_KEYS_SHOWN_MAX ? ', …' : '');
  if (needed.length === 0) return `a table with ${shown}`;
  return `a table with ${needed.join(', ')}${others.length === 0 ? '' : ` (and ${shown})`}`;
}

/** The rule that the schema itself states, where it has a message of its own. */
function ruleOf(option: z.core.$ZodType): string | null {
  const refusal = (option as z.ZodType).safeParse('\u0000');
  const message = refusal.success ? undefined : refusal.error.issues[0]?.message;
  return message === undefined || message.startsWith('Invalid') ? null : `${article(defOf(option).type)}: ${message}`;
}

function isOptional(schema: z.core.$ZodType): boolean {
  return schema._zod.optin === 'optional';
}

/** The key that tells the branches apart fits none of them, or is missing. Zod's path may end with that key or before it. */
function explainDiscriminator(key: string, { path, schema, value }: Place): Explanation {
  const place = path.at(-1) === key ? path.slice(0, -1) : path;
  const known = schemaAt(schema, value, place).flatMap((found) =>
    (defOf(found).options ?? []).flatMap((option) => literalsOf(option, key)),
  );
  return explainChoice([...place, key], at(value, [...place, key]), known);
}

/** A branch that wants something else than a table, as `false`, is out of the question where a table was given. */
function weightOf(issue: z.core.$ZodIssue, path: KeyPath): number {
  const isWhole = issue.path.length === path.length;
  if (isWhole && (issue.code === 'invalid_value' || issue.code === 'invalid_type')) return Infinity;
  return issue.code === 'unrecognized_keys' ? issue.keys.length : 1;
}

function explainKey(path: KeyPath, key: string, known: readonly string[]): Explanation {
  const suggestion = nearestKey(key, known);
  const fix = suggestion === null ? `known here: ${known.join(', ')}` : `did you mean "${suggestion}"?`;
  const place = path.length > 1 ? ` in ${nameOf(path.slice(0, -1))}` : '';
  return { path, what: `"${clip(key, EXCERPT_CHARACTERS_MAX)}" is not known${place}`, fix, suggestion };
}

function explainChoice(path: KeyPath, found: unknown, known: readonly string[]): Explanation {
  if (found === undefined) return missing(path, `give one of ${known.join(', ')}`);
  const suggestion = typeof found === 'string' ? nearestKey(found, known) : null;
  const fix = suggestion === null ? `it may be ${known.join(', ')}` : `did you mean "${suggestion}"?`;
  return { path, what: `${nameOf(path)} is ${excerpt(found)}`, fix, suggestion };
}

function explainMissing(path: KeyPath, schema: z.core.$ZodType, value: unknown): Explanation {
  const description = schemaAt(schema, value, path)
    .map((found) => (found as z.ZodType).description)
    .find((text) => text !== undefined);
  return missing(path, description === undefined ? 'add it' : `add it: ${description}`);
}

function missing(path: KeyPath, fix: string): Explanation {
  return { path, what: `${nameOf(path)} is missing`, fix, suggestion: null };
}

function explainLimit(path: KeyPath, found: unknown, fix: string): Explanation {
  return { path, what: `${nameOf(path)} is ${excerpt(found)}`, fix, suggestion: null };
}

function limitText(bound: string, limit: number, origin: string): string {
  const unit = origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '';
  return `it must be ${bound} ${limit}${unit}`;
}

/** The nearest known name, taking `connect_timeout_ms` for `connectTimeoutMs`. */
function nearestKey(wrong: string, known: readonly string[]): string | null {
  const bare = (text: string): string => text.toLowerCase().replaceAll(/[_-]/g, '');
  return known.find((key) => bare(key) === bare(wrong)) ?? nearestName(wrong.slice(0, 64), known);
}

/** `pools[1].backends[0].target`; empty paths are the whole. */
function nameOf(path: KeyPath): string {
  if (path.length === 0) return 'it';
  let name = '';
  for (const part of path)
    name +=
      typeof part === 'number' ? `[${part + 1}]` : `${name === '' ? '' : '.'}${clip(part, EXCERPT_CHARACTERS_MAX)}`;
  return name;
}

function at(value: unknown, path: KeyPath): unknown {
  let here = value;
  for (const part of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<string | number, unknown>)[part];
  }
  return here;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'object' ? 'a table' : article(typeof value);
}

function article(noun: string): string {
  if (noun === 'int') return 'a whole number';
  if (noun === 'object') return 'a table';
  if (noun === 'array') return 'a list';
  if (noun === 'string') return 'a text';
  if (noun === 'boolean') return 'true or false';
  return `a ${noun}`;
}

const EXCERPT_CHARACTERS_MAX = 80;

function excerpt(value: unknown): string {
  if (typeof value === 'object' && value !== null) return kindOf(value);
  return clip(typeof value === 'string' ? JSON.stringify(value) : String(value), EXCERPT_CHARACTERS_MAX);
}

/** The parts of a zod schema's definition that are looked at here. */
interface SchemaDef {
  readonly type: string;
  readonly shape?: Record<string, z.core.$ZodType>;
  readonly element?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly discriminator?: string;
  readonly values?: readonly unknown[];
  readonly checks?: readonly unknown[];
}

function defOf(schema: z.core.$ZodType): SchemaDef {
  return schema._zod.def;
}

function keysAt(schema: z.core.$ZodType, value: unknown, path: KeyPath): string[] {
  const keys = schemaAt(schema, value, path).flatMap((found) => {
    const def = defOf(found);
    const options =
      def.type === 'union' ? optionsFor(found, at(value, path)).flatMap((option) => unwrap(option)) : [found];
    return options.flatMap((option) => Object.keys(defOf(option).shape ?? {}));
  });
  return [...new Set(keys)];
}

/** The schemas that may judge the value at a path: several where a union is on the way. */
function schemaAt(schema: z.core.$ZodType, value: unknown, path: KeyPath): z.core.$ZodType[] {
  const here = unwrap(schema);
  const [part, ...rest] = path;
  if (part === undefined) return schema === here[0] ? here : [schema, ...here];
  const inner = at(value, [part]);
  return here.flatMap((candidate) => {
    const def = defOf(candidate);
    if (def.type === 'union') return optionsFor(candidate, value).flatMap((option) => schemaAt(option, value, path));
    const next = def.type === 'array' ? def.element : ownShape(def, part);
    return next === undefined ? [] : schemaAt(next, inner, rest);
  });
}

function ownShape({ shape }: SchemaDef, part: string | number): z.core.$ZodType | undefined {
  return shape !== undefined && Object.hasOwn(shape, part) ? shape[part] : undefined;
}

/** The options of a union that fit the value's discriminator; all of them where that decides nothing. */
function optionsFor(union: z.core.$ZodType, value: unknown): readonly z.core.$ZodType[] {
  const { discriminator, options = [] } = defOf(union);
  if (discriminator === undefined) return options;
  const tag = at(value, [discriminator]);
  const fitting = options.filter((option) => literalsOf(option, discriminator).includes(String(tag)));
  return fitting.length > 0 ? fitting : options;
}

function literalsOf(option: z.core.$ZodType, key: string): string[] {
  const literal = ownShape(defOf(option), key);
  return literal === undefined ? [] : (defOf(literal).values ?? []).map(String);
}

/** Without `optional`, `default` and the like around it. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  const { innerType } = defOf(schema);
  return innerType === undefined ? [schema] : unwrap(innerType);
}
