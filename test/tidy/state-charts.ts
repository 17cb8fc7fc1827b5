/**
 * `node bootstrap.mjs charts`: writes docs/state-charts.md anew, from the machines themselves and the sentence that each of
 * their files opens with.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHARTED_MACHINES, stateChart } from '@muster/actors/inspection';

export const CHARTS_FILE = new URL('../../docs/state-charts.md', import.meta.url);

const PREFACE = `# State charts

The machines of a node, drawn from their definitions by \`node bootstrap.mjs charts\`; a test fails while this file is not what they
are. In brackets: the guard without which a transition is not taken. \`after …\`: a delay, by its name in the machine. Where two arrows begin
at the start, the actor is in both at once. What an actor is in now, and what it does next, is shown by [\`muster inspect\`](operations.md#live-machines).
`;

export function chartsText(): string {
  const sections = Object.entries(CHARTED_MACHINES).map(
    ([kind, machine]) =>
      `## ${kind}\n\n${headerSentence(kind)}\n\n\`\`\`mermaid\n${stateChart(machine).join('\n')}\n\`\`\`\n`,
  );
  return [PREFACE, ...sections].join('\n');
}

const ACTORS = fileURLToPath(new URL('../../packages/actors/src', import.meta.url));
const ACTOR_FILES = readdirSync(ACTORS, { recursive: true, encoding: 'utf8' });

/** What the comment says that the machine's file opens with: `prober-machine.ts` for the kind `prober`, in whatever room it lies. */
function headerSentence(kind: string): string {
  const file = ACTOR_FILES.find((path) => basename(path) === `${kind}-machine.ts`);
  if (file === undefined) throw new Error(`the package of actors has no file ${kind}-machine.ts`);
  const [, sentence] = /^\/\*\*\n((?: \* .+\n)+)/.exec(readFileSync(join(ACTORS, file), 'utf8')) ?? [];
  return (sentence ?? '').replaceAll(/^ \* /gm, '').replaceAll('\n', ' ').trim();
}

if (import.meta.main) writeFileSync(CHARTS_FILE, chartsText());
