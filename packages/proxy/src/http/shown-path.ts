/**
 * What of a request's target is kept and shown: its path. A query may hold a token, a password or somebody's name, and so may
 * what stands before the host in an absolute URL; logs are read by more people than requests are. So neither is ever written
 * down: of a query its length is told, that there was one.
 */

const ABSOLUTE_FORM = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/;

export interface ShownPath {
  readonly path: string;
  /** The query's length in bytes without its `?`; 0 where there is none, or an empty one. */
  readonly queryBytes: number;
}

/** `/reset?token=s3cret` is `{ path: '/reset', queryBytes: 12 }`, and so is `http://me:pw@host/reset?token=s3cret`. */
export function shownPath(target: string): ShownPath {
  const from = target.startsWith('/') ? 0 : (ABSOLUTE_FORM.exec(target)?.[0].length ?? 0);
  const question = target.indexOf('?', from);
  if (question < 0) return { path: target.slice(from) || '/', queryBytes: 0 };
  return { path: target.slice(from, question) || '/', queryBytes: target.length - question - 1 };
}
