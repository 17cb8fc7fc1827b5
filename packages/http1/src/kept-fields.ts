/**
 * The fields that go on, as the text they came in: runs of lines between those that are left out, each run sliced as one piece.
 *
 * Where `Connection` names fields that nobody knows here, the text is gone through a second time without them.
 */

/** The lines of `fields` whose names, in lower case, are not in `names`. */
export function withoutNamed(fields: string, names: ReadonlySet<string>): string {
  let kept = '';
  for (let from = 0; from < fields.length;) {
    const lineTo = fields.indexOf('\n', from) + 1;
    const name = fields.slice(from, fields.indexOf(':', from)).toLowerCase();
    if (!names.has(name)) kept += fields.slice(from, lineTo);
    from = lineTo;
  }
  return kept;
}

/** A value, and that of an earlier line of the same field, as one list (RFC 9110, 5.3). */
export function joined(earlier: string | null, value: string): string {
  return earlier === null ? value : `${earlier}, ${value}`;
}

/** Names in lower case, written with whitespace between them. */
export function fieldNames(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
