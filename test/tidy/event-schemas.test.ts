/** The JSON Schemas in the documentation are those of the code. */
import { readFileSync } from 'node:fs';
import { eventJsonSchemas } from '@muster/membership';
import { expect, test } from 'vitest';

test('docs/events.schema.json is what `muster schema` prints; write it anew when the vocabulary changes', () => {
  const text = readFileSync(new URL('../../docs/events.schema.json', import.meta.url), 'utf8');
  expect(text).toBe(`${JSON.stringify(eventJsonSchemas(), null, 2)}\n`);
});
