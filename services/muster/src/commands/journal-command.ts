/** `muster journal check` and `mend`: a person's hands on the file of an embedded journal. */
import { JournalError } from '@muster/journal';
import { mendJournal, surveyJournal, type Survey } from '@muster/journal-embedded';
import { localSnapshotHead, ownSnapshotPath } from '../node/local-snapshot-file.ts';
import { CliFailure, EXIT_CODES, type Session } from '@muster/cli';
import { paint } from '@muster/questions/text';

/** Resolves to the exit code. */
export async function checkJournal(session: Session, path: string): Promise<number> {
  const survey = await surveyed(path);
  await session.print({ path, ...survey }, [...survey.notes, ...surveyLines(path, survey)]);
  return survey.outcome === 'sound' ? EXIT_CODES.ok : EXIT_CODES.failed;
}

function surveyLines(path: string, survey: Survey): string[] {
  const { epoch, provenRevision } = survey;
  const proven = provenRevision === 0 ? 'no event of it is' : `events 1 to ${provenRevision} are`;
  switch (survey.outcome) {
    case 'sound':
      return [
        paint('green', `the journal ${path} is sound: ${provenRevision} events of history ${epoch}, each proven`),
      ];
    case 'past-damaged':
      return [
        paint('yellow', survey.reason),
        `a node runs on it: its present state is proven, and questions about what is not are refused; ${proven} proven from the beginning on`,
      ];
    case 'damaged':
      return [paint('red', survey.reason), `${proven} proven${epoch === null ? '' : `, of history ${epoch}`}`];
  }
}

export async function mendJournalFile(session: Session, path: string): Promise<void> {
  const survey = await surveyed(path);
  if (survey.outcome === 'sound') {
    throw new CliFailure(
      'sound',
      `the journal ${path} is sound: nothing of it is to be mended, and nothing was changed`,
    );
  }
  if (survey.outcome === 'past-damaged') {
    const message = `${survey.reason}; the newest state of it is proven and a node runs on it, which is more than could be kept: nothing was changed`;
    throw new CliFailure('past-damaged', message);
  }
  const mended = await orFailure(() => mendJournal(path, { besides: [ownSnapshotPath(path)] }));
  const { keptRevision, epoch, movedTo } = mended;
  const kept = keptRevision === 0 ? 'no event could be kept' : `events 1 to ${keptRevision} were kept`;
  const moved = movedTo === null ? '' : `; the damaged files are ${movedTo} and what begins so`;
  await session.print({ path, ...mended }, [
    `${kept}: the journal ${path} is history ${epoch} now${moved}`,
    'start the node; what was lost and is to come back: muster import, from a listing that was taken with --json',
  ]);
}

async function surveyed(path: string): Promise<Survey> {
  const known = await localSnapshotHead(ownSnapshotPath(path));
  return orFailure(() => surveyJournal(path, { known }));
}

async function orFailure<Answer>(work: () => Answer): Promise<Answer> {
  try {
    return work();
  } catch (error) {
    if (error instanceof JournalError) throw new CliFailure(`journal-${error.code}`, error.message);
    throw error;
  }
}
