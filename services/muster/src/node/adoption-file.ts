/**
 * Which history this node adopted last, when, and by whose word: one line of JSON beside its snapshot, so that a person who comes
 * later finds it.
 *
 *     {"from":"2026-…","to":"2026-…","revision":12,"atMs":1790000000000,"by":"cli:alice@host"}
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AdoptionStore } from '@muster/actors';
import { z } from 'zod';

const FILE_MODE = 0o600;

const adoptionSchema = z.object({
  from: z.string(),
  to: z.string(),
  revision: z.int().min(0),
  atMs: z.number(),
  by: z.string().nullable(),
});

/** `path`: relative to the working directory; its folder is made where it is not there. */
export function adoptionFile(path: string): AdoptionStore {
  return {
    async load() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      return text === null ? null : adoptionSchema.parse(JSON.parse(text));
    },
    async save(adoption) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(`${path}.new`, `${JSON.stringify(adoption)}\n`, { mode: FILE_MODE });
      await rename(`${path}.new`, path);
    },
  };
}
