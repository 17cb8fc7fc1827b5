/**
 * The events as JSON Schema (draft 2020-12), for publishers in other languages and for the documentation.
 */
import { z } from 'zod';
import { eventSchemas, type EventType } from './event.ts';

/** One schema per event type, describing what a publisher may write: what has a default may be left out. */
export function eventJsonSchemas(): Record<EventType, object> {
  const entries = Object.entries(eventSchemas).map(([type, schema]) => {
    return [type, { ...z.toJSONSchema(schema, { io: 'input' }), title: type }];
  });
  return Object.fromEntries(entries) as Record<EventType, object>;
}
