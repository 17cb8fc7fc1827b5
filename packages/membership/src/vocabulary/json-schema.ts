/**
 * The events as JSON Schema (draft 2020-12), for publishers in other languages and for the documentation.
 */
import { z } from 'zod';
import { eventSchemas, type EventType } from './event.ts';
import { HTTP_ONLY_FIELDS } from './http-fields.ts';

/**
 * What the schemas' own refinements ask for, as far as JSON Schema can say it: what a protocol needs and cannot have. That two
 * routes differ it cannot say.
 */
const CONDITIONS: Partial<Record<EventType, object>> = {
  ListenerDefined: {
    if: { properties: { protocol: { const: 'http' } }, required: ['protocol'] },
    then: { oneOf: [{ required: ['pool'] }, { required: ['routes'] }] },
    else: { required: ['pool'], properties: Object.fromEntries(HTTP_ONLY_FIELDS.map((field) => [field, false])) },
  },
};

/** One schema per event type, describing what a publisher may write: what has a default may be left out. */
export function eventJsonSchemas(): Record<EventType, object> {
  const entries = Object.entries(eventSchemas).map(([type, schema]) => {
    return [type, { ...z.toJSONSchema(schema, { io: 'input' }), ...CONDITIONS[type as EventType], title: type }];
  });
  return Object.fromEntries(entries) as Record<EventType, object>;
}
