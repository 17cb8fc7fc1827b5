/** Public entry: texts for people and terminals. Nothing here loads the vocabulary of events; what needs it is in `event-text.ts`. */
export { checkText } from './event-ref-text.ts';
export { paint, terminalLine, type Colour } from './paint.ts';
export { dateAndTime, duration, leadsTo, printable, routeText, timeOfDay } from './plain-text.ts';
export { cut, setLines, tableLines, type Line } from './table.ts';
