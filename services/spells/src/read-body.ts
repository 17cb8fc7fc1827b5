/**
 * Reads a request's body into memory, up to a limit. A body that is longer is not buffered: its rest is discarded as it
 * comes, and the caller answers 413 and closes.
 */

import type { IncomingMessage } from 'node:http';

/** The longest body that is read: 64 KiB. */
export const BODY_BYTES_MAX = 64 * 1024;

export type BodyRead =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: 'too_large' | 'not_utf8' };

/** Rejects only when the connection fails before the body has ended. */
export async function readBody(request: IncomingMessage): Promise<BodyRead> {
  if (Number(request.headers['content-length']) > BODY_BYTES_MAX) return { ok: false, reason: 'too_large' };

  const chunks: Buffer[] = [];
  let bodyBytes = 0;
  // Leaving the loop must not destroy the request: its socket still has to carry the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bodyBytes += chunk.length;
    if (bodyBytes > BODY_BYTES_MAX) return { ok: false, reason: 'too_large' };
    chunks.push(chunk);
  }
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)) };
  } catch {
    return { ok: false, reason: 'not_utf8' };
  }
}
