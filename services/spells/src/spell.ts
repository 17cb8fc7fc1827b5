/**
 * A spell, and the check that turns a request's JSON into one.
 *
 * The limits exist so that a careless client gets a clear answer instead of a service that grows; they are no schema
 * language. Nothing here knows of HTTP.
 */

/** What the service stores and serves, e.g. `{ id: 'lumos', name: 'Lumos', description: 'Lights the tip of the wand.' }`. */
export interface Spell {
  /** 1–64 of `[a-z0-9-]`; unique in one instance. */
  readonly id: string;
  /** 1–200 characters. */
  readonly name: string;
  /** 1–4000 characters. */
  readonly description: string;
}

export type SpellParsed =
  | { readonly ok: true; readonly spell: Spell }
  /** `message` names the field and what it must be. */
  | { readonly ok: false; readonly message: string };

const ID_PATTERN = /^[a-z0-9-]{1,64}$/;
const NAME_CHARS_MAX = 200;
const DESCRIPTION_CHARS_MAX = 4000;
const FIELDS = new Set(['id', 'name', 'description']);

/** Reads a spell from parsed JSON. Unknown fields are refused, since they are most often misspelt ones. */
export function parseSpell(value: unknown): SpellParsed {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused('the body must be a JSON object with id, name and description');
  }
  const fields = value as Record<string, unknown>;
  const unknownField = Object.keys(fields).find((field) => !FIELDS.has(field));
  if (unknownField !== undefined) return refused(`unknown field ${JSON.stringify(unknownField)}`);

  const { id, name, description } = fields;
  if (typeof id !== 'string' || !ID_PATTERN.test(id)) return refused('id must be 1–64 of a–z, 0–9 and -');
  if (!isText(name, NAME_CHARS_MAX)) return refused(`name must be a text of 1–${NAME_CHARS_MAX} characters`);
  if (!isText(description, DESCRIPTION_CHARS_MAX)) {
    return refused(`description must be a text of 1–${DESCRIPTION_CHARS_MAX} characters`);
  }
  return { ok: true, spell: { id, name, description } };
}

function isText(value: unknown, charsMax: number): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= charsMax;
}

function refused(message: string): SpellParsed {
  return { ok: false, message };
}
