/** Reads `/v1/events` in tests, a line at a time. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { EventView } from '@muster/questions/events';
import type { AdminHarness } from './node-harness.ts';

/** The answer's head; whoever asked reads the body, or destroys it. */
export async function openEvents(
  admin: AdminHarness,
  query: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const request = get(`${admin.url}/v1/events?${query}`, { agent: false, headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

export async function* eventLines(response: IncomingMessage): AsyncGenerator<EventView> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    for (const part of parts) yield JSON.parse(part) as EventView;
  }
}

/** All of an answer that ends by itself. */
export async function readEvents(admin: AdminHarness, query = ''): Promise<EventView[]> {
  const views: EventView[] = [];
  for await (const view of eventLines(await openEvents(admin, query))) views.push(view);
  return views;
}
