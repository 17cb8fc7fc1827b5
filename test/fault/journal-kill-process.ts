/**
 * The process that `journal-kill.test.ts` kills: it appends as fast as it can and says, line by line, what was
 * acknowledged. Started as `node journal-kill-process.ts PATH ROUND`; it ends only by being killed.
 */
import { openEmbeddedJournal } from '@muster/journal-embedded';
import { say } from '../harness/processes/say.ts';
import { killPayload } from './journal-kill-payload.ts';

const WRITERS = 16;

const [path, round] = process.argv.slice(2);
const journal = await openEmbeddedJournal({ path: path! });

async function write(writer: number): Promise<never> {
  for (let count = 0; ; count += 1) {
    const id = `${round}-${writer}-${count}`;
    const subject = `muster.test.pool.${writer}`;
    const outcome = await journal.append({ id, subject, origin: null, payload: killPayload(id) });
    if (outcome.outcome !== 'appended') throw new Error(`append ${id} was answered ${JSON.stringify(outcome)}`);
    say(`${id} ${outcome.revision}`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
