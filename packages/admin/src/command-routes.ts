/** Routes that change something: commands, which are decided against the roster first, and raw events. */
import { randomUUIDv7 } from 'node:crypto';
import type { AppendOutcome } from '@muster/journal';
import { commandSchema, decodeEvent, type Command, type Roster } from '@muster/membership';
import type { AdminApp, AdminContext } from './admin-server.ts';
import { ApiError, refusalStatus } from './api-error.ts';
import { newEventSchema, originOf } from './request-checks.ts';

export function addCommandRoutes(app: AdminApp, { node }: AdminContext): void {
  app.post(
    '/v1/commands',
    { schema: { summary: 'Decide a command and append its event', body: commandSchema } },
    async ({ body, headers, ip }) => {
      const origin = originOf(headers['muster-origin'], ip);
      const owner = ownerOf(node.roster(), body);
      const outcome = await node.execute(body, origin);
      switch (outcome.outcome) {
        case 'appended':
          return owner === null || owner === origin ? outcome : { ...outcome, takenFrom: owner };
        case 'unchanged':
          return outcome;
        case 'refused': {
          const { reason: code, message, suggestion } = outcome;
          throw new ApiError(refusalStatus(code), { code, message, suggestion });
        }
        case 'unavailable': {
          const code = outcome.isStored === 'no' ? 'unavailable' : 'perhaps-stored';
          throw new ApiError(503, { code, message: outcome.message });
        }
      }
    },
  );

  app.post(
    '/v1/events',
    { schema: { summary: 'Append an event as it is, if it parses', body: newEventSchema } },
    async ({ body, headers, ip }) => {
      const refusal = node.appendRefusal();
      if (refusal !== null) throw new ApiError(503, { code: 'unavailable', message: refusal });
      const { subject, id = randomUUIDv7(), expectedRevision } = body;
      const origin = originOf(headers['muster-origin'], ip);
      const payload = typeof body.payload === 'string' ? body.payload : JSON.stringify(body.payload);
      const decoded = decodeEvent({ revision: 0, timeMs: 0, id, subject, origin, payload }, node.roster().cluster);
      if ('reason' in decoded) throw new ApiError(400, { code: decoded.reason, message: decoded.message });
      const options = expectedRevision === undefined ? {} : { expectedRevision };
      return appendedOrThrow(await node.journal.append({ id, subject, origin, payload }, options), id);
    },
  );
}

/** Whose an entity is that a command makes the property of whoever sent it; null for other commands, and where nobody is named. */
function ownerOf({ listeners, pools }: Roster, command: Command): string | null {
  switch (command.type) {
    case 'DefineListener':
    case 'ChangeListener':
      return listeners.get(command.listener)?.origin ?? null;
    case 'DefinePool':
    case 'ChangePool':
      return pools.get(command.pool)?.origin ?? null;
    case 'RegisterBackend':
    case 'ChangeBackend':
      return pools.get(command.pool)?.backends.get(command.backend)?.origin ?? null;
    case 'RemoveListener':
    case 'RemovePool':
    case 'SetBackendMode':
    case 'DeregisterBackend':
      return null;
  }
}

function appendedOrThrow(outcome: AppendOutcome, id: string): object {
  switch (outcome.outcome) {
    case 'appended':
      return { ...outcome, id };
    case 'conflict': {
      const message = `the newest event on the subject has revision ${outcome.actualRevision}; read it and decide again`;
      throw new ApiError(409, { code: 'conflict', message });
    }
    case 'refused':
      throw new ApiError(outcome.reason === 'id-taken' ? 409 : 400, { code: outcome.reason, message: outcome.message });
    case 'unavailable':
      throw new ApiError(503, { code: 'unavailable', message: outcome.message });
    case 'unknown': {
      const message = `${outcome.message}; append it again with the id ${id} to find out`;
      throw new ApiError(503, { code: 'perhaps-stored', message });
    }
  }
}
