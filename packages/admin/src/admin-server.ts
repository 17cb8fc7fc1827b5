/**
 * The admin API: the node's state, its events, and commands to it, over HTTP with JSON. Described in full by
 * `/openapi.json`.
 *
 * Limits: a request body of 1 MiB (413), a request that takes 30 s to arrive (408), 256 connections (further ones are
 * closed), 64 streams of events (503), 3 questions about the past (503). It decides nothing itself and knows nothing that the node does not say.
 */
import type { AddressInfo } from 'node:net';
import swagger from '@fastify/swagger';
import type { Logger, NodeHandle, NodeStatus } from '@muster/actors';
import { formatAddress, isTooDeep, nearestName, NESTING_MAX, parseBind, type Roster } from '@muster/membership';
import type { ObservationStore } from '@muster/observations';
import type { FailingName } from '@muster/transport';
import { fastify, type FastifyBaseLogger, type FastifyInstance, type RawServerDefault } from 'fastify';
import { jsonSchemaTransform, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { errorBody } from '@muster/questions/answers';
import type { AskDecisions } from '@muster/questions/decisions';
import type { DecisionRecording } from '@muster/questions/decisions/decision-recording';
import type { RefusalOf } from '@muster/questions/roster';
import type { StatusView, Traffic } from '@muster/questions/status';
import { ANSWER_FIELDS, refuseAccess, type AccessRules } from './access.ts';
import { ApiError, toApiError } from './api-error.ts';
import { addCommandRoutes } from './command-routes.ts';
import { addHistoryRoutes } from './history-routes.ts';
import { addDecisionRoutes } from './decision-routes.ts';
import { addInspectRoutes } from './inspect-routes.ts';
import { OwnTurns } from './own-turns.ts';
import { addQuestionRoutes } from './question-routes.ts';
import { checkRequest } from './request-checks.ts';
import { addStateRoutes } from './state-routes.ts';

const BODY_BYTES_MAX = 1_048_576;
const REQUEST_TIMEOUT_MS = 30_000;
const CONNECTIONS_MAX = 256;
/** How long answers under way may take once the server is told to close. */
const CLOSE_TIMEOUT_MS = 1_000;

export interface AdminServerOptions {
  readonly node: NodeHandle;
  readonly access: AccessRules;
  /** What Prometheus reads: one scrape as parts of a text, and what the text is for the `content-type` header. */
  readonly metrics: { readonly contentType: string; parts(): Promise<Iterable<string>> };
  readonly traffic: {
    /** Takes the workers' newest reports. */
    update(workers: NodeStatus['workers'], roster: Roster): Promise<void>;
    totals(): Traffic;
  };
  readonly log: Logger;
  readonly decisions: AskDecisions;
  readonly recording: Pick<DecisionRecording, 'record' | 'status'>;
  /** What the node keeps of what it sees; null: nothing. */
  readonly observations: ObservationStore | null;
  /** Why this node does not dial a target, for people; null: it does. Default: it dials all. */
  readonly refusalOf?: RefusalOf;
  /** What is wrong with the journal's file, for people; null while nothing was found. Default: always null. */
  readonly journalDamage?: () => string | null;
  /** False while the node still brings the roster to what its config declares. Default: always true. */
  readonly isConfigApplied?: () => boolean;
  /** Host names that the control process cannot look up, for its probes. Default: none. */
  readonly probedNames?: () => readonly FailingName[];
  /** What the node was told in its config, for the status. Default: not known. */
  readonly settings?: StatusView['settings'];
}

type ListenOutcome =
  /** `address` has the real port where 0 was asked for. */
  | { readonly outcome: 'listening'; readonly address: string }
  /** `reason` says what is wrong with which address and what to do. */
  | { readonly outcome: 'failed'; readonly reason: string };

export interface AdminServer {
  /** `bind`: HOST:PORT. */
  listen(bind: string): Promise<ListenOutcome>;
  /** Ends streams, answers what is under way, and lets go of the address. Idempotent. */
  close(): Promise<void>;
}

/** What the routes work with. */
export interface AdminContext extends AdminServerOptions {
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

export type AdminApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export async function createAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const closing = new AbortController();
  const app = createApp(options);
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Muster admin API', version: '1' } },
    transform: jsonSchemaTransform,
  });
  const context: AdminContext = { ...options, closing: closing.signal };
  // After the plugin, which collects routes as they are added.
  app.after(() => {
    addStateRoutes(app, context);
    addCommandRoutes(app, context);
    addHistoryRoutes(app, context);
    addDecisionRoutes(app, context);
    addInspectRoutes(app, context);
    addQuestionRoutes(app, context);
    app.get('/openapi.json', { schema: { summary: 'This description' } }, () => app.swagger());
  });
  let closed: Promise<void> | null = null;
  return {
    listen: (bind) => listen(app, bind),
    close() {
      closing.abort();
      closed ??= close(app);
      return closed;
    },
  };
}

function createApp({ access, log }: AdminServerOptions): AdminApp {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { keepAlive: true, keepAliveInitialDelay: 60_000 },
    routerOptions: { maxParamLength: 400 },
    frameworkErrors: (error, _request, reply) => {
      const refusal = toApiError(error);
      const body = JSON.stringify(errorBody(refusal));
      reply.raw.writeHead(refusal.statusCode, { ...ANSWER_FIELDS, 'content-type': 'application/json' }).end(body);
    },
    clientErrorHandler: (error, socket) => {
      if (socket.writable) socket.end(brokenRequestAnswer(error.code));
    },
  }).withTypeProvider<ZodTypeProvider>();
  app.server.maxConnections = CONNECTIONS_MAX;
  parseJsonBodies(app);
  app.setValidatorCompiler<z.ZodType>(
    ({ schema }) =>
      (value) =>
        checkRequest(schema, value),
  );
  app.setSerializerCompiler(() => JSON.stringify);
  app.addHook('onRequest', async ({ method, url, headers }, reply) => {
    void reply.headers(ANSWER_FIELDS);
    const path = url.split('?', 1)[0] ?? '';
    const refusal = refuseAccess({ method, path, headers }, access);
    if (refusal === null) return;
    // A stranger keeps none of the connections that there are.
    if (refusal.statusCode === 403) void reply.header('connection', 'close');
    throw refusal;
  });
  const turns = new OwnTurns();
  app.addHook('preHandler', () => turns.next());
  app.setErrorHandler((error, request, reply) => {
    const refusal = toApiError(error);
    if (refusal.statusCode === 500) log.error({ err: error, url: request.url }, 'the admin API failed to answer');
    if (refusal.statusCode === 401) void reply.header('www-authenticate', 'Bearer');
    return reply.code(refusal.statusCode).send(errorBody(refusal));
  });
  // Of the routes that are there, as they are added.
  const paths = new Set<string>();
  app.addHook('onRoute', ({ url }) => void paths.add(url));
  app.setNotFoundHandler((request, reply) => {
    const refusal = unknownRoute(request.method, request.url, paths);
    return reply.code(refusal.statusCode).send(errorBody(refusal));
  });
  return app;
}

/** As fastify does, save that a body which nobody could walk is refused in words. */
function parseJsonBodies(app: AdminApp): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (!isTooDeep(body)) return void parse(request, body, done);
    const message = `the body is nested deeper than ${NESTING_MAX} levels; nothing that this API takes is`;
    done(new ApiError(400, { code: 'invalid', message }));
  });
}

function unknownRoute(method: string, url: string, paths: ReadonlySet<string>): ApiError {
  const path = url.split('?', 1)[0] ?? '';
  const suggestion = nearestName(path.slice(0, 64), paths);
  const isKnown = suggestion === path;
  const hint = isKnown
    ? 'with that method'
    : `${suggestion === null ? '' : `did you mean ${suggestion}? `}/openapi.json lists all`;
  const message = `there is no ${method} ${path.slice(0, 80)}${isKnown ? ' ' : '; '}${hint}`;
  return new ApiError(404, { code: 'unknown-route', message, suggestion: isKnown ? null : suggestion });
}

/** For bytes that are no HTTP request, which never reach a handler. */
function brokenRequestAnswer(code: string | undefined): string {
  const [status, message] =
    code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'the request head is larger than 16 KiB']
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', `the request took longer than ${REQUEST_TIMEOUT_MS / 1000} s to arrive`]
        : ['400 Bad Request', 'this is not an HTTP request'];
  const body = JSON.stringify(errorBody({ code: 'bad-request', message, suggestion: null }));
  const fields = Object.entries(ANSWER_FIELDS).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${fields.join('')}content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
}

async function listen(app: AdminApp, bind: string): Promise<ListenOutcome> {
  const address = parseBind(bind);
  if (address?.kind !== 'tcp') return { outcome: 'failed', reason: `the admin address ${bind} is not HOST:PORT` };
  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    return { outcome: 'failed', reason: listenFailure(error as NodeJS.ErrnoException, bind) };
  }
  const { port } = app.server.address() as AddressInfo;
  return { outcome: 'listening', address: formatAddress({ ...address, port }) };
}

function listenFailure({ code, message }: NodeJS.ErrnoException, bind: string): string {
  const choose = 'choose another with admin = "HOST:PORT" under [node]';
  if (code === 'EADDRINUSE') return `the admin address ${bind} is taken by another process; ${choose}`;
  if (code === 'EACCES') return `the admin address ${bind} may not be bound by this user; ${choose}`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `the admin address ${bind} is not one of this machine; ${choose}`;
  return `the admin API cannot listen on ${bind}: ${message}`;
}

async function close(app: AdminApp): Promise<void> {
  const force = setTimeout(() => app.server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  await app.close();
  clearTimeout(force);
}
