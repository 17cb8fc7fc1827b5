/**
 * What was thrown, as a sentence for a person. Whatever catches an error and tells somebody of it takes its words from here.
 *
 * Anything may be thrown, by filters and libraries too: no error at all, one whose message is no string, one whose fields throw
 * when they are read. None of that makes this function throw. The stack is not its business: that goes to the log, as `err`.
 */

/** Longer messages are cut: a line of the log has at most 4 KiB. */
const CHARACTERS_MAX = 1_000;
/** Of several failures in one error, for example one for each address of a name. */
const PARTS_MAX = 3;

/** `connection refused`. Never empty, at most 1,000 characters; never throws. */
export function messageOf(error: unknown): string {
  try {
    const text = error instanceof Error ? ofError(error) : ofValue(error);
    return clip(text, CHARACTERS_MAX);
  } catch {
    // A getter or a conversion of the value threw in its turn.
    return 'something was thrown that cannot be read';
  }
}

/** The text, or its beginning with `…` behind it where it has more characters than that. */
export function clip(text: string, charactersMax: number): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
}

function ofError(error: Error): string {
  const message: unknown = error.message;
  if (typeof message === 'string' && message !== '') return message;
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.slice(0, PARTS_MAX).map(messageOf).join('; ');
  }
  const name = typeof error.name === 'string' && error.name !== '' ? error.name : 'Error';
  return message === '' || message === undefined ? name : `${name}: ${ofValue(message)}`;
}

function ofValue(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'an empty text was thrown' : value;
  if (typeof value !== 'object' || value === null) return String(value);
  const { message } = value as { readonly message?: unknown };
  if (typeof message === 'string' && message !== '') return message;
  return JSON.stringify(value) ?? 'something was thrown that has no text';
}
