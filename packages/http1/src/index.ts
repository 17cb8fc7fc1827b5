/**
 * HTTP/1.1 message syntax and framing (RFC 9112, with what RFC 9110 says about fields): pure functions from text and bytes to what
 * a proxy needs to know, strict enough that whatever is forwarded has one reading.
 *
 *     RequestHeadReader / ResponseHeadReader: headEnd ──► parse… ──► RequestHead / ResponseHead ──► ChunkedBody, where it is chunked
 *        │ null                   │                              │ fields
 *        ▼                        ▼                              ▼
 *     partialRequestProblem    HeadProblem                    fieldValue, Fields
 *
 * No sockets, no timers, no forwarding: whether and how messages go on is the data plane's business.
 */
export { ChunkedBody, CHUNKED_LIMITS, type ChunkedLimits } from './chunked-body.ts';
export { Fields, fieldValue, joinedValues } from './fields.ts';
export { RequestHeadReader, ResponseHeadReader } from './head-readers.ts';
export {
  BodyProblem,
  HeadProblem,
  describeProblem,
  type BodyProblemReason,
  type HeadProblemReason,
} from './problem.ts';
export { SAID_BY_PROXIES, saidByProxies, type FieldNames } from './own-fields.ts';
export { headEnd, lastLineFrom, partialRequestProblem, partialResponseProblem } from './head-text.ts';
export { RequestHead, parseRequestHead } from './request-head.ts';
export { PATH_RULES, loosePath, type PathRules } from './request-path.ts';
export { HEAD_LIMITS, REQUEST_RULES, type HeadLimits, type RequestRules } from './head-rules.ts';
export { ResponseHead, parseResponseHead } from './response-head.ts';
