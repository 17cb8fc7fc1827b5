/** A proxy that cannot be started costs its own row and no more. */
import { expect, test } from 'vitest';
import { startedRecipe } from './contenders.ts';

test('one that ends before it listens says so at once', async () => {
  await expect(startedRecipe([process.execPath, '-e', 'process.exit(3)'], 1)).rejects.toThrow(/ended with 3 before/);
});
