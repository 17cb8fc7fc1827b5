/** Texts in columns of a terminal: how wide they are, and made as wide as there is room. Texts hold no control characters. */

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NARROW = /[\p{Mn}\p{Me}\p{Cf}]/u;
const ASCII = /^[\x20-\x7e]*$/;

function characterWidth(character: string): number {
  if (NARROW.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** Exactly so wide: cut, with a mark where it was, or filled up with spaces. */
export function fitted(text: string, width: number): string {
  const own = textWidth(text);
  if (own <= width) return text + ' '.repeat(width - own);
  const kept = beginning(text, Math.max(0, width - 1));
  return `${kept}${width > 0 ? '…' : ''}${' '.repeat(Math.max(0, width - 1 - textWidth(kept)))}`;
}

/** The text on as many lines as it needs; those after the first are indented as the first, and a little more. */
export function wrapped(text: string, width: number): string[] {
  if (textWidth(text) <= width) return [text];
  const indent = ' '.repeat(Math.min(/^ */.exec(text)![0].length + 2, Math.max(0, width - 8)));
  const lines: string[] = [];
  for (let rest = text; rest !== '';) {
    const line = beginning(rest, Math.max(1, width));
    const space = line.length < rest.length ? line.lastIndexOf(' ') : -1;
    const cut = space > line.length / 2 ? line.slice(0, space) : line || Array.from(rest)[0]!;
    lines.push(cut);
    const left = rest.slice(cut.length).trimStart();
    rest = left === '' ? '' : indent + left;
  }
  return lines;
}

function beginning(text: string, width: number): string {
  let left = width;
  let kept = '';
  for (const character of text) {
    left -= characterWidth(character);
    if (left < 0) break;
    kept += character;
  }
  return kept;
}
