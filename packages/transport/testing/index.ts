/** What tests of this package and of others share: a name server that answers as it is told, and a clock that a test turns. */
export { DnsServer, type DnsAnswer, type DnsQuestion } from './dns-server.ts';
export { ManualClock } from './manual-clock.ts';
export { roomFor } from './room-for.ts';
