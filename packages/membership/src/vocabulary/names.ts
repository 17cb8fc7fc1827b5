/**
 * Names of clusters, listeners, pools, backends and nodes.
 *
 * A name is a token of a NATS subject, a label of a metric and a word on a command line, so it is kept to what
 * all of them take unquoted. Nothing here trims or lower-cases: a name that needs mending is refused.
 */
import { z } from 'zod';

const NAME_PATTERN = /^[a-z0-9-]{1,64}$/;

/** What the messages say about names, wherever a name is refused. */
export const NAME_RULE = 'a name is 1 to 64 characters of a-z, 0-9 and "-"';

/** True for 1 to 64 characters of `[a-z0-9-]`, for example `spells-1`. */
export function isName(text: string): boolean {
  return NAME_PATTERN.test(text);
}

/** A name inside a payload or a config file. */
export const nameSchema = z.string().regex(NAME_PATTERN, NAME_RULE);
