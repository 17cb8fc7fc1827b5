/**
 * What of a request's path and query is kept and shown: the path. A query may hold a token, a password or somebody's name, and logs
 * are read by more people than requests are. So it is never written down: its length is told, that there was one.
 */

export interface ShownPath {
  readonly path: string;
  /** The query's length in bytes without its `?`; 0 where there is none, or an empty one. */
  readonly queryBytes: number;
}

/** `/reset?token=s3cret` is `{ path: '/reset', queryBytes: 12 }`. */
export function shownPath(pathAndQuery: string): ShownPath {
  const question = pathAndQuery.indexOf('?');
  if (question < 0) return { path: pathAndQuery, queryBytes: 0 };
  return { path: pathAndQuery.slice(0, question), queryBytes: pathAndQuery.length - question - 1 };
}
