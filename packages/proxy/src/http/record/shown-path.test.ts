/** Queries are not shown. */
import { expect, test } from 'vitest';
import { shownPath } from './exchange-record.ts';

test.each([
  ['/reset?token=s3cret', '/reset', 12],
  ['/reset?', '/reset', 0],
  ['/', '/', 0],
  ['/a?b?c', '/a', 3],
  ['/go/http://a/b', '/go/http://a/b', 0],
  ['*', '*', 0],
])('%s', (target, path, queryBytes) => {
  expect(shownPath(target)).toEqual({ path, queryBytes });
});
