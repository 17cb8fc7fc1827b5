/**
 * Secrets out of texts: what a person who is sent an incident file has no business with.
 *
 * A secret has no shape of its own, so this goes by what stands around it (`token=…`, `user:password@`, `Bearer …`) and by the
 * marks that makers of tokens give them. It is careful rather than clever: a word too many is hidden before one too few. What
 * nobody can tell from a word (a password alone in a sentence) stays.
 *
 * Every rule costs in proportion to the text, whatever stands in it: each either begins where a piece of the text begins, or looks a
 * bounded way ahead. the generator of `test/entrances` holds them to it.
 *
 * A hidden text is never longer than it was. So whatever had room in a field still has, and an event that made sense makes sense.
 */

/** In place of a secret; a shorter one gets as many as it had characters. */
const MASK = '***';

/**
 * What `redactText` cannot even begin to apply to. One look at a text that holds no secret, as nearly all do; every rule below
 * needs one of these.
 */
const SUSPICIOUS =
  /[?@]|-----BEGIN|\bS[ACNOUX][A-Z2-7]{50}|eyJ|AKIA|gh[oprsu]_|github_pat_|xox[a-z]-|sk-|AIza|pass|pwd|secret|token|api|key|credential|auth|cookie|session|signature|seed|bearer|basic/i;

const SECRET_WORD =
  '(?:pass(?:wd|word|phrase|code)?|pwd|secrets?|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?|auth(?:orization)?|cookie|session(?:[-_]?id)?|signature|seed)';
/** The last word of a field's name counts: `adminToken`, `DB_PASSWORD`, `x-api-key`. Bounded, so that long texts stay cheap. */
const SECRET_NAME = `(?<![\\w.-])[\\w.-]{0,64}?${SECRET_WORD}`;
const SECRET_FIELD = new RegExp(`^.{0,64}?${SECRET_WORD}$`, 'i');

/** In each, what the first group has stays; the rest of the match is hidden. */
const RULES: readonly RegExp[] = [
  /(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[\s\S]*?(?=-----END|$)/g,
  // nats://user:password@host, and nats://token@host.
  /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'<>]*(?=@)/gi,
  // Of NATS: seeds of nkeys.
  /()\bS[ACNOUX][A-Z2-7]{50,}/g,
  // JSON web tokens, those of NATS among them; also the first part alone, so that a beginning never has to be given up again.
  /()\beyJ[\w-]{8,}(?:\.[\w-]+){0,4}/g,
  /()\b(?:AKIA[0-9A-Z]{16}|gh[oprsu]_\w{20,}|github_pat_\w{20,}|xox[a-z]-[\w-]{10,}|sk-[\w-]{20,}|AIza[\w-]{30,})/g,
  /(\bbearer\s+)[\w+/=.~-]{4,}/gi,
  /(\bbasic\s+)(?=[\w+/]*[\d=])[\w+/]{6,}=*/gi,
  new RegExp(`(${SECRET_NAME}["']?\\s*[=:]\\s*)(?:"[^"]*"|'[^']*'|[^\\s,;&"')}\\]]+)`, 'gi'),
  // A segment of a path behind one that says what it is: /health/token/ab12.
  new RegExp(`(/${SECRET_WORD}/)[^/?#\\s"']+`, 'gi'),
];

/** What has no space and no quote in it: a query is in one such word. */
const WORD = /[^\s"']+/g;
/** How a path or a URL begins: with the word, or behind a bracket in it. */
const FIRST_PATH = /(?:^|\()(?:[a-z][a-z0-9+.-]{0,20}:\/)?\//i;
const INNER_PATH = /\((?:[a-z][a-z0-9+.-]{0,20}:\/)?\//i;

/** The text without what looks like a secret; the very same where nothing does. */
export function redactText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  let redacted = text;
  for (const rule of RULES) {
    redacted = redacted.replace(rule, (found: string, kept: string) => kept + mask(found.length - kept.length));
  }
  return redacted.includes('?') ? redacted.replace(WORD, redactQueries) : redacted;
}

/** For a field whose name alone says that its value is a secret. */
export function isSecretField(name: string): boolean {
  return SECRET_FIELD.test(name);
}

/** For a value that is a secret as a whole. */
export function mask(length: number): string {
  return MASK.slice(0, length);
}

/**
 * `https://host/path?a=1&b=2` and `/path?a=1`: of queries nothing is left but the names. Goes from one question mark to the next
 * and looks at each piece between two of them once, so that it costs in proportion to the word whatever stands in it.
 */
function redactQueries(word: string): string {
  let redacted = '';
  let keptUpTo = 0;
  let from = 0;
  for (let at = word.indexOf('?'); at !== -1; at = word.indexOf('?', from)) {
    const isPath = (from === 0 ? FIRST_PATH : INNER_PATH).test(word.slice(from, at));
    from = at + 1;
    if (!isPath) continue;
    const hash = word.indexOf('#', from);
    const end = hash === -1 ? word.length : hash;
    redacted += word.slice(keptUpTo, from) + redactQuery(word.slice(from, end));
    keptUpTo = from = end;
  }
  return redacted + word.slice(keptUpTo);
}

/** `a=1&b` becomes `a=*&*`. */
function redactQuery(query: string): string {
  return query.replaceAll(/([^&;=]*=?)([^&;]*)/g, (part, name: string, value: string) => {
    if (part === '') return '';
    return name.endsWith('=') ? name + mask(value.length) : mask(part.length);
  });
}
