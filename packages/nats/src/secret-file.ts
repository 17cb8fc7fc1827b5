/**
 * Whether a file that holds a secret is for its owner alone, judged as ssh judges a private key: a file of this user's that others may
 * read or write is refused, because this user can mend it. A file of somebody else's, for example one that a container is given, is that
 * one's business; where everybody may read it, it is worth a warning.
 */
import { statSync } from 'node:fs';

const FOR_OTHERS = 0o077;
const FOR_EVERYBODY = 0o007;

export type SecretFileJudgement =
  | { readonly outcome: 'fine' }
  /** `what` goes on after the file's name: `can be read by others (mode 644)`; `fix` says what to do. */
  | { readonly outcome: 'refused' | 'warned'; readonly what: string; readonly fix: string };

/** Throws what the system does where the file cannot be looked at. */
export function judgeSecretFile(file: string): SecretFileJudgement {
  const userId = process.getuid?.();
  // Without user ids there are no modes to judge by.
  if (userId === undefined) return { outcome: 'fine' };
  const { mode, uid } = statSync(file);
  const permissions = mode & 0o777;
  const isOurs = uid === userId;
  if ((permissions & (isOurs ? FOR_OTHERS : FOR_EVERYBODY)) === 0) return { outcome: 'fine' };
  const what = `is open to others (mode ${permissions.toString(8)})`;
  if (isOurs) return { outcome: 'refused', what, fix: `make it yours alone: chmod 600 ${file}` };
  return { outcome: 'warned', what, fix: 'have its owner close it to everybody else' };
}
