/**
 * Makes `docs/state-charts.md` from the machines: `node bootstrap.mjs charts`. What each is stands above its picture in the words of
 * its own file. A test says when the page is out of date.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateCharts } from '@muster/actors';
import { ROOT } from './source-files.ts';

export const STATE_CHARTS_FILE = join(ROOT, 'docs', 'state-charts.md');

const INTRODUCTION = `# State charts

Every machine of a node, drawn from the machine itself by \`node bootstrap.mjs charts\`. Arrows carry the event, its \`[guard]\` and
the \`/ actions\` by name. \`muster inspect --follow\` shows the same machines live, with these words.
`;

export async function stateChartsPage(): Promise<string> {
  const sections = stateCharts().map(async ({ kind, text }) => {
    const file = `packages/actors/src/${kind}-machine.ts`;
    const source = await readFile(join(ROOT, file), 'utf8');
    const link = `[\`${kind}-machine.ts\`](../${file})`;
    return `## ${kind}\n\n${firstSentence(source)} ${link}\n\n\`\`\`mermaid\n${text}\n\`\`\`\n`;
  });
  return [INTRODUCTION, ...(await Promise.all(sections))].join('\n');
}

/** Of a file's header: `The prober: watches one target for a backend, and says when its health has flipped.` */
function firstSentence(source: string): string {
  const header = /^\/\*\*\n \* (.*?)(?:\n \*\n|\*\/)/s.exec(source)?.[1] ?? '';
  const text = header.replaceAll(/\s*\n \* ?/g, ' ').trim();
  return /^.*?\.(?= |$)/.exec(text)?.[0] ?? text;
}

if (import.meta.main) await writeFile(STATE_CHARTS_FILE, await stateChartsPage());
