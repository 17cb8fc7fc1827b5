/** Texts on their way to people: plain words, tables, colours, and the one way out to a terminal, a pipe or a log. Light, so that a short command starts fast. */
export { checkText } from './event-ref-text.ts';
export { dateAndTime, duration, leadsTo, printable, routeText, timeOfDay } from './plain-text.ts';
export {
  paint,
  writeError,
  writeJson,
  writeJsonLines,
  writeLines,
  type Colour,
  writeBytes,
  writeText,
  terminalLine,
  writeControl,
} from './output.ts';
export { tableLines, type Line, setLines, cut } from './table.ts';
