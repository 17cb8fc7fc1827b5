/**
 * Only requests with a known key go on: `Authorization: Bearer <key>`. All others are answered 401 here, and no backend sees them.
 *
 * The backend is told who is asking (`X-Client`), never the key. Keys are kept as their SHA-256, one `NAME HASH` a line, in the file
 * `api-keys.txt` beside this one. It is read when the filter is loaded: defining the listener anew with another filter file, or
 * restarting the node, reads it again.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Filter } from '@muster/proxy';

const file = await readFile(new URL('./api-keys.txt', import.meta.url), 'utf8');
const clients = file
  .split('\n')
  .map((line) => line.trim().split(/\s+/))
  .flatMap(([name, hash]) => (name && hash ? [{ name, hash: Buffer.from(hash, 'hex') }] : []));

/** The time that this takes does not tell how much of a key was right. */
function clientOf(authorization: string | null): string | null {
  const key = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
  if (key === undefined) return null;
  const hash = createHash('sha256').update(key).digest();
  return (
    clients.find((client) => client.hash.length === hash.length && timingSafeEqual(client.hash, hash))?.name ?? null
  );
}

export default {
  requestFilter({ fields }) {
    const client = clientOf(fields.get('authorization'));
    if (client === null) {
      const challenge = { 'WWW-Authenticate': 'Bearer realm="spells"', 'Content-Type': 'application/json' };
      return { status: 401, fields: challenge, body: '{"error":"a valid API key is needed"}\n' };
    }
    fields.delete('authorization');
    fields.set('X-Client', client);
    return undefined;
  },
} satisfies Filter;
