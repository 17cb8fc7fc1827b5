/**
 * What the admin API answers when it refuses: one shape for all, `{"error": {"code", "message", "suggestion"?}}`.
 */
import type { CommandOutcome } from '@muster/actors';
import { JournalError } from '@muster/journal';
import { clip } from '@muster/membership';
import { ReplayError, type ReplayErrorCode } from '@muster/replay/replay-error';

/** Characters that an answer shows of a message that is not Muster's own. */
const SHOWN_CHARACTERS_MAX = 300;

/** Thrown by handlers; the server's error handler makes the answer of it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly statusCode: number;
  readonly code: string;
  readonly suggestion: string | null;

  constructor(
    statusCode: number,
    { code, message, suggestion = null }: { code: string; message: string; suggestion?: string | null },
  ) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.suggestion = suggestion;
  }
}

type Refused = Extract<CommandOutcome, { outcome: 'refused' }>;

/** The one place where refusals of commands become statuses. */
export function refusalStatus(reason: Refused['reason']): number {
  switch (reason) {
    case 'unknown-pool':
    case 'unknown-backend':
    case 'unknown-listener':
      return 404;
    case 'pool-in-use':
    case 'bind-in-use':
    case 'contended':
    case 'exists':
    case 'changed-meanwhile':
      return 409;
    case 'invalid':
      return 400;
  }
}

/** The same of questions about the past. */
function replayStatus(code: ReplayErrorCode): number {
  switch (code) {
    case 'unknown-instant':
    case 'unknown-pool':
    case 'unknown-backend':
    case 'unknown-request':
      return 404;
    case 'compacted':
      return 410;
    case 'invalid-question':
      return 400;
    // The log is not what it was: nothing that the asker could ask otherwise.
    case 'hash-differs':
    case 'gap':
    case 'doubled-event':
    case 'out-of-order':
    case 'not-identical':
    case 'unreadable-file':
      return 409;
  }
}

const FASTIFY_REFUSALS: Readonly<Record<string, readonly [statusCode: number, code: string, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body-too-large', 'a request body has at most 1 MiB; send one request per entity'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'not-json', 'send JSON, with the header content-type: application/json'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'broken-json', 'the body is empty; send a JSON object'],
};

/** Anything that was thrown, as a refusal. What is not known is a fault of the server: 500, without its details. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ReplayError) {
    const { code, message } = error;
    return new ApiError(replayStatus(code), { code, message });
  }
  if (error instanceof JournalError)
    return new ApiError(503, { code: `journal-${error.code}`, message: error.message });
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  const known = FASTIFY_REFUSALS[code ?? ''];
  if (known !== undefined) return new ApiError(known[0], { code: known[1], message: known[2] });
  if (error instanceof SyntaxError || code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return new ApiError(400, {
      code: 'broken-json',
      message: `the body is not JSON: ${clip(message ?? '', SHOWN_CHARACTERS_MAX)}`,
    });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ApiError(statusCode, {
      code: 'bad-request',
      message: clip(message ?? 'the request makes no sense', SHOWN_CHARACTERS_MAX),
    });
  }
  return new ApiError(500, { code: 'internal', message: 'the node failed to answer; its log says why' });
}
