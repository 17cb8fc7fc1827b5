/** `muster schema`: the events as JSON Schema, for publishers in other languages. Needs no node. */
import { eventJsonSchemas, nearestName, type EventType } from '@muster/membership';
import { CliFailure } from './cli-failure.ts';
import { writeJson } from '@muster/questions/text';

/** All types as one JSON object, or the schema of one. */
export async function showSchema(type: string | undefined): Promise<void> {
  const schemas = eventJsonSchemas();
  if (type !== undefined && !Object.hasOwn(schemas, type)) {
    const known = Object.keys(schemas);
    const suggestion = nearestName(type.slice(0, 64), known);
    const hint = suggestion === null ? `known: ${known.join(', ')}` : `did you mean "${suggestion}"?`;
    throw new CliFailure('unknown-type', `no event has the type "${type}"; ${hint}`, suggestion);
  }
  await writeJson(type === undefined ? schemas : schemas[type as EventType], 2);
}
