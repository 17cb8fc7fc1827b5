/** Public entry: how a service announces itself. */
export type { AnnounceOutcome } from './announce.ts';
export { join } from './join.ts';
export type { MemberOptions } from './member-options.ts';
export type { Member, MemberStatus } from './member.ts';
export { PublisherError, type PublisherErrorCode } from './publisher-error.ts';
export type { RegistrationVerdict } from './registration-question.ts';
export { openPublisher, type Publisher, type PublisherOptions } from './publisher.ts';
