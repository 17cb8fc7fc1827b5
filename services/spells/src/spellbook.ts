/**
 * The spells of one instance, in memory. Each instance has its own, on purpose: a spell that was POSTed to one backend
 * is missing on the other, which makes visible which backend answered.
 */

import type { Spell } from './spell.ts';

const SEEDS: readonly Spell[] = [
  { id: 'lumos', name: 'Lumos', description: 'Lights the tip of the wand.' },
  { id: 'accio', name: 'Accio', description: 'Summons an object to the caster.' },
  { id: 'protego', name: 'Protego', description: 'Raises a shield that turns minor spells away.' },
];

/** At this many spells, further ones are refused. */
export const SPELLS_MAX = 10_000;

export type SpellAdded = { readonly ok: true } | { readonly ok: false; readonly reason: 'duplicate' | 'full' };

/** A map by id that keeps the order of insertion. */
export class Spellbook {
  readonly #spellsById = new Map(SEEDS.map((spell) => [spell.id, spell]));

  /** All spells, oldest first. */
  list(): Spell[] {
    return [...this.#spellsById.values()];
  }

  get(id: string): Spell | undefined {
    return this.#spellsById.get(id);
  }

  add(spell: Spell): SpellAdded {
    if (this.#spellsById.has(spell.id)) return { ok: false, reason: 'duplicate' };
    if (this.#spellsById.size >= SPELLS_MAX) return { ok: false, reason: 'full' };
    this.#spellsById.set(spell.id, spell);
    return { ok: true };
  }
}
