/**
 * Whom the commands about the past ask: a node through its admin API, or an incident file, with neither node nor cluster. Both
 * give the same answers in the same shape.
 */
import type { DiffView, Incident, StateView } from '@muster/replay';
import type {
  BackendQuery,
  DiffQuery,
  ExplainedHere,
  ExportQuery,
  Past,
  RequestAnswer,
  RequestQuery,
  StateQuery,
  WhatIfAnswer,
  WhatIfQuery,
} from '@muster/questions';
import { CliFailure } from '../cli-failure.ts';
import type { Session } from '../session.ts';

export interface PastAccess extends AsyncDisposable {
  state(query: StateQuery): Promise<StateView>;
  diff(query: DiffQuery): Promise<DiffView>;
  backend(query: BackendQuery): Promise<ExplainedHere>;
  request(query: RequestQuery): Promise<RequestAnswer>;
  whatIf(query: WhatIfQuery): Promise<WhatIfAnswer>;
  /** The bytes of an incident file. */
  export(query: ExportQuery): AsyncIterable<Uint8Array>;
}

/** `file`: the path of an incident file; undefined for the session's node. Throws `CliFailure`. */
export async function accessPast(session: Session, file: string | undefined): Promise<PastAccess> {
  return file === undefined ? new NodeAccess(session) : accessFile(file);
}

export async function accessFile(file: string): Promise<PastAccess> {
  return FileAccess.open(file);
}

class NodeAccess implements PastAccess {
  readonly #client: Session['client'];

  constructor({ client }: Session) {
    this.#client = client;
  }

  async state({ at, ...rest }: StateQuery): Promise<StateView> {
    return this.#client.get(`/v1/replay?${queryText({ at: await sentInstant(at), ...rest })}`);
  }

  async diff({ from, to, ...rest }: DiffQuery): Promise<DiffView> {
    const range = { from: await sentInstant(from), to: await sentInstant(to) };
    return this.#client.get(`/v1/diff?${queryText({ ...range, ...rest })}`);
  }

  async backend({ at, ...rest }: BackendQuery): Promise<ExplainedHere> {
    return this.#client.get(`/v1/explain/backend?${queryText({ at: await sentInstant(at), ...rest })}`);
  }

  async request(query: RequestQuery): Promise<RequestAnswer> {
    // A reading question, though a line is too long for a URL.
    if ('line' in query) return this.#client.post('/v1/explain/request', query);
    return this.#client.get(`/v1/explain/request?${queryText(query)}`);
  }

  async whatIf({ from, to, ...rest }: WhatIfQuery): Promise<WhatIfAnswer> {
    const range = { from: await sentInstant(from), to: await sentInstant(to) };
    return this.#client.get(`/v1/whatif?${queryText({ ...range, ...rest })}`);
  }

  async *export({ from, to }: ExportQuery): AsyncGenerator<Uint8Array, void> {
    const range = { from: await sentInstant(from), to: await sentInstant(to) };
    const { breakReason } = await import('@muster/replay');
    let tail: Uint8Array = new Uint8Array();
    for await (const chunk of this.#client.bytes(`/v1/export?${queryText(range)}`)) {
      tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
      yield chunk;
    }
    const reason = breakReason(tail);
    if (reason !== null) throw new CliFailure('ended', `the export broke off: ${reason}; export it again`);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Of an answer under way: enough for what an incident file ends with. */
const TAIL_BYTES = 1_024;

/** `12:30` means this terminal's time of day, and not that of the node's machine. */
async function sentInstant(text: string): Promise<string> {
  const { parseInstant } = await import('@muster/replay');
  const meant = await orFailure(async () => parseInstant({ text, nowMs: Date.now() }));
  return meant.kind === 'time' && !text.startsWith('-') ? new Date(meant.timeMs).toISOString() : text;
}

function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

class FileAccess implements PastAccess {
  readonly #incident: Incident;
  readonly #past: Past;

  private constructor(incident: Incident, past: Past) {
    this.#incident = incident;
    this.#past = past;
  }

  static async open(path: string): Promise<FileAccess> {
    const { incidentPast } = await import('@muster/questions/incident-past');
    const { incident, past } = await orFailure(() => incidentPast(path));
    return new FileAccess(incident, past);
  }

  state(query: StateQuery): Promise<StateView> {
    return orFailure(() => this.#past.state(query));
  }

  diff(query: DiffQuery): Promise<DiffView> {
    return orFailure(() => this.#past.diff(query));
  }

  backend(query: BackendQuery): Promise<ExplainedHere> {
    return orFailure(() => this.#past.backend(query));
  }

  request(query: RequestQuery): Promise<RequestAnswer> {
    return orFailure(() => this.#past.request(query));
  }

  whatIf(query: WhatIfQuery): Promise<WhatIfAnswer> {
    return orFailure(() => this.#past.whatIf(query));
  }

  async *export(query: ExportQuery): AsyncGenerator<Uint8Array, void> {
    yield* await orFailure(() => this.#past.export(query));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#incident.close();
  }
}

/** What the past refuses, as the failure of a command. */
export async function orFailure<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const { name, code, message } = error as { name?: string; code?: unknown; message: string };
    if (name === 'ReplayError' || name === 'JournalError') throw new CliFailure(String(code), message);
    throw error;
  }
}
