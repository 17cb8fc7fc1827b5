/** A timeout says how long it was, and what was waited for. */

import { expect, test } from 'vitest';
import { connectTimedOut, noAnswer } from './failure.ts';

test.each([
  [noAnswer(2000), 'no_answer', 'no answer in 2 s'],
  [noAnswer(1500), 'no_answer', 'no answer in 1.5 s'],
  [connectTimedOut('ETIMEDOUT', 400), 'connect_timed_out', 'connect timed out after 400 ms'],
  [
    connectTimedOut('NAME_TIMEOUT', 2000),
    'name_not_found',
    'host name not found: the name server did not answer in 2 s',
  ],
])('%j', (failure, code, reason) => {
  expect(failure).toEqual({ code, reason });
});
