/** What a filter answers, checked and made into an answer that can be written at once. */
import { Fields } from '@muster/http1';
import type { OwnAnswer } from '../record/termination.ts';
import type { FilterAnswer } from './filter.ts';

/** An answer that a filter gives is held whole until the client has taken it. */
const BODY_BYTES_MAX = 1_048_576;
/** RFC 9110, 15.3.5 and 15.4.5. */
const BODILESS_STATUSES = new Set([204, 304]);

/** Throws a TypeError that says what is wrong with it. */
export function ownAnswerOf(answer: FilterAnswer): OwnAnswer {
  const { status, fields = {}, body = '' } = answer;
  checkStatus(status);
  const text = bodyText(body);
  if (text !== '' && BODILESS_STATUSES.has(status)) throw new TypeError(`an answer of status ${status} has no body`);
  const list = new Fields();
  for (const [name, value] of Object.entries(fields)) {
    if (name.toLowerCase() === 'date') throw new TypeError('Date is written by Muster');
    list.append(name, value);
  }
  if (typeof body === 'string' && text !== '' && !list.has('content-type')) {
    list.set('Content-Type', 'text/plain; charset=utf-8');
  }
  list.set('Muster-Reason', 'answered_here');
  return { status, fields: list.toText(), body: text };
}

/** Throws where it is no final status. */
export function checkStatus(status: unknown): void {
  if (Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599) return;
  throw new TypeError(`${String(status)} is no status of an answer: 200 to 599`);
}

/** Whether an answer's framing depends on its status. */
export function isBodiless(status: number): boolean {
  return BODILESS_STATUSES.has(status);
}

/** One character per byte. */
function bodyText(body: unknown): string {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  if (!(bytes instanceof Uint8Array)) throw new TypeError('the body of an answer is text or bytes');
  if (bytes.length > BODY_BYTES_MAX) throw new TypeError(`the body has ${bytes.length} bytes; the most is 1 MiB`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
