/**
 * The command line: what there is to type. Each command loads what it needs when it runs, so that `muster status` does not
 * pay for the server.
 */
import { Command } from 'commander';
import type { AgentOptions } from './agent-command.ts';
import { ratio, timeSpan, wholeNumber, withReason } from './command-options.ts';
import { addInspectCommand } from './inspect-command.ts';
import { addListenerCommands } from './listener-commands.ts';
import { addPastCommands } from './past-program.ts';
import { writeError, writeText, type GlobalOptions, type OpenSession } from './session.ts';

const EXIT_CODES_HELP = '\nExit codes: 0 done, 1 failed or refused, 2 the command line makes no sense.';

/** Called with the exit code of a command that has one of its own. */
export type SetExitCode = (code: number) => void;

export function createProgram(setExitCode: SetExitCode): Command {
  const program = new Command('muster')
    .description('A load balancer whose memory is a log of events.')
    .exitOverride()
    .configureOutput({ writeOut: writeText, writeErr: (text) => writeError(...text.trimEnd().split('\n')) })
    .showHelpAfterError('(muster --help lists the commands)')
    .option('--admin <url>', "the node's admin API (env MUSTER_ADMIN; default http://127.0.0.1:9900)")
    .option('--json', 'answer with JSON')
    .addHelpText('after', EXIT_CODES_HELP);
  const openSession: OpenSession = async () => {
    const { Session } = await import('./session.ts');
    return new Session(program.opts<GlobalOptions>());
  };
  addNodeCommands(program, openSession, setExitCode);
  addInspectCommand(program, openSession);
  addAgentCommand(program, setExitCode);
  addBackendCommands(program, openSession);
  addPoolCommands(program, openSession);
  addListenerCommands(program, openSession);
  addPastCommands(program, openSession);
  return program;
}

function addNodeCommands(program: Command, openSession: OpenSession, setExitCode: SetExitCode): void {
  program
    .command('up')
    .description('run a node and apply its config')
    .option('-c, --config <file>', 'the config; ./muster.toml when left out')
    .action(async (options: { config?: string }) => {
      const { runUp } = await import('./up-command.ts');
      setExitCode(await runUp(options));
    });
  program
    .command('apply')
    .description('bring a running node to what a config declares')
    .requiredOption('-f, --file <file>', 'the config')
    .option('--dry-run', 'only show what would change')
    .action(async (options: { file: string; dryRun?: boolean }) => {
      const { applyFile } = await import('./apply-command.ts');
      await applyFile(await openSession(), options);
    });
  program
    .command('status')
    .description('show the node, its listeners, pools and workers')
    .option('--watch', 'again every second')
    .action(async (options: { watch?: boolean }) => {
      const { showStatus } = await import('./status-command.ts');
      await showStatus(await openSession(), options);
    });
  program
    .command('decisions')
    .description('show who was picked for the newest requests, or everything about one')
    .argument('[request-id]', 'what X-Request-Id said')
    .option('--limit <count>', 'requests at most, 1 to 100 (default 20)', wholeNumber)
    .option('--record <time>', 'keep every decision from now on, for example 90s, 5m or 1h; 0 ends it', timeSpan)
    .action(async (requestId: string | undefined, options: { limit?: number; record?: number }) => {
      const { recordDecisions, showDecisions } = await import('./decisions-command.ts');
      const { record } = options;
      if (record === undefined) return showDecisions(await openSession(), requestId, options);
      return recordDecisions(await openSession(), record);
    });
  program
    .command('adopt-epoch')
    .description("take the journal's present history in place of the one that is served, whatever it holds")
    .action(async () => {
      const { adoptEpoch } = await import('./adopt-epoch-command.ts');
      await adoptEpoch(await openSession());
    });
  program
    .command('schema')
    .description('print the JSON Schemas of the events')
    .argument('[type]', 'one event only, for example BackendRegistered')
    .action(async (type: string | undefined) => {
      const { showSchema } = await import('./schema-command.ts');
      await showSchema(type);
    });
}

function addAgentCommand(program: Command, setExitCode: SetExitCode): void {
  program
    .command('agent')
    .description('run a program and be a member of a pool in its name, for as long as it runs')
    .usage('--pool POOL --target HOST:PORT [options] -- COMMAND…')
    .requiredOption('--pool <id>', 'the pool to join')
    .requiredOption('--target <address>', 'where the program answers, as the nodes reach it: HOST:PORT or unix:/PATH')
    .option('--id <id>', "the member's name in the pool; the host's name and the port when left out")
    .option('--weight <n>', 'its share of new connections, 1 to 1000 (default 1)', wholeNumber)
    .option('--cluster <name>', 'the cluster of the nodes (default "default")')
    .option('--servers <urls>', 'NATS servers (env MUSTER_NATS_SERVERS; default nats://127.0.0.1:4222)')
    .option('--credentials <file>', 'a NATS .creds file')
    .option('--nkey <file>', 'a file with an nkey seed')
    .option('--inbox-prefix <prefix>', 'below which this user may subscribe (default _INBOX)')
    .option('--tls-ca <file>', "the authority of the servers' certificates, PEM")
    .option('--tls-cert <file>', 'a client certificate, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--lease-ms <ms>', 'silent for so long, it is taken out (default 15000)', wholeNumber)
    .option('--start-timeout-ms <ms>', 'a program that does not answer by then is ended (default 60000)', wholeNumber)
    .option('--drain-ms <ms>', 'from the drain to the signal for the program (default 1000)', wholeNumber)
    .argument('<command...>', 'the program and its arguments, after --')
    .addHelpText('after', AGENT_HELP)
    .action(async (command: string[], options: AgentOptions) => {
      const { runAgent } = await import('./agent-command.ts');
      setExitCode(await runAgent(command, options));
    });
}

const AGENT_HELP = `
SIGTERM and SIGINT: the member drains, then the program gets the signal; a second one kills it.
Exit code: the program's own, 128 + n for signal n, 127 where there is no such program, 1 where it never answered.`;

function addBackendCommands(program: Command, openSession: OpenSession): void {
  const backend = program.command('backend').description('add, drain, return and remove backends');
  backend
    .command('add <pool> <id>')
    .description('register a backend, or give it another target or weight')
    .requiredOption('--target <address>', 'HOST:PORT, [IPV6]:PORT or unix:/PATH')
    .option('--weight <n>', 'its share of new connections, 1 to 1000 (default 1)', wholeNumber)
    .action(async (pool: string, id: string, options: { target: string; weight?: number }) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      const command = commandFrom('RegisterBackend', { pool, backend: id, ...options });
      await sendCommand(await openSession(), command, `backend ${pool}/${id} registered at ${options.target}`);
    });
  const modes = {
    drain: 'no new connections; open ones may finish',
    ready: 'take traffic again',
    maint: 'left alone: no traffic until it is made ready',
  };
  for (const [mode, description] of Object.entries(modes)) {
    withReason(backend.command(`${mode} <pool> <id>`).description(description)).action(
      async (pool: string, id: string, { reason }: { reason?: string }) => {
        const { commandFrom, sendCommand } = await import('./entity-commands.ts');
        const command = commandFrom('SetBackendMode', { pool, backend: id, mode, reason });
        await sendCommand(await openSession(), command, `backend ${pool}/${id} set to ${mode}`);
      },
    );
  }
  withReason(backend.command('remove <pool> <id>').description('deregister a backend')).action(
    async (pool: string, id: string, { reason }: { reason?: string }) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      const command = commandFrom('DeregisterBackend', { pool, backend: id, reason });
      await sendCommand(await openSession(), command, `backend ${pool}/${id} removed`);
    },
  );
  backend
    .command('list [pool]')
    .description('list backends with their health and what keeps them out')
    .action(async (pool: string | undefined) => {
      const { listBackends } = await import('./entity-commands.ts');
      await listBackends(await openSession(), pool);
    });
}

interface PoolOptions {
  readonly policy?: string;
  readonly hashKey?: string;
  readonly panicThreshold?: number;
  readonly slowStartMs?: number;
  readonly connectTimeoutMs?: number;
  readonly connectAttempts?: number;
  readonly maxConnectionsPerBackend?: number;
  readonly onRemoval?: string;
  readonly drainTimeoutMs?: number;
  readonly healthHttp?: string;
  readonly healthTcp?: true;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly rise?: number;
  readonly fall?: number;
  readonly healthView?: string;
  readonly jsonSpec?: string;
}

function addPoolCommands(program: Command, openSession: OpenSession): void {
  const pool = program.command('pool').description('add, change, remove and show pools');
  pool
    .command('add <id>')
    .description('define a pool, or define it anew: what is not given has its default')
    .option('--policy <name>', 'round_robin (default), least_requests, random or consistent_hash')
    .option('--hash-key <key>', 'what consistent_hash looks at (default client_address)')
    .option('--connect-timeout-ms <ms>', 'a dial that takes longer has failed (default 5000)', wholeNumber)
    .option('--connect-attempts <n>', 'per connection or request, each to another backend (default 2)', wholeNumber)
    .option('--max-connections-per-backend <n>', 'per worker; no limit when left out', wholeNumber)
    .option('--on-removal <close|drain>', 'connections to a target that left (default close)')
    .option('--drain-timeout-ms <ms>', 'how long a draining backend keeps its connections (default 30000)', wholeNumber)
    .option('--health-http <path>', 'check with an HTTP GET of this path')
    .option('--health-tcp', 'check with a TCP connect')
    .option('--interval-ms <ms>', 'from one probe to the next (default 5000)', wholeNumber)
    .option('--timeout-ms <ms>', 'a probe that takes longer has failed (default 2000)', wholeNumber)
    .option('--rise <n>', 'passed probes that turn a backend healthy (default 2)', wholeNumber)
    .option('--fall <n>', 'failed probes that turn it unhealthy (default 3)', wholeNumber)
    .option('--health-view <own|quorum>', "whose word on health counts: this node's own, or that of most live nodes")
    .option(
      '--panic-threshold <ratio>',
      'fewer eligible than this part: all take traffic (default 0.5, 0: never)',
      ratio,
    )
    .option(
      '--slow-start-ms <ms>',
      'over which a new backend grows to its full weight; at once when left out',
      wholeNumber,
    )
    .option('--json-spec <json>', 'any further field of PoolDefined, as a JSON object')
    .action(async (id: string, options: PoolOptions) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      const { healthHttp, healthTcp, intervalMs, timeoutMs, rise, fall, jsonSpec, ...fields } = options;
      const checks = Object.entries({ http: healthHttp, tcp: healthTcp, intervalMs, timeoutMs, rise, fall });
      const given = checks.filter(([, value]) => value !== undefined);
      const health = given.length === 0 ? undefined : Object.fromEntries(given);
      const command = commandFrom('DefinePool', { pool: id, ...fields, health }, jsonSpec);
      await sendCommand(await openSession(), command, `pool ${id} defined`);
    });
  withReason(pool.command('remove <id>').description('remove a pool with its backends')).action(
    async (id: string, { reason }: { reason?: string }) => {
      const { commandFrom, sendCommand } = await import('./entity-commands.ts');
      await sendCommand(await openSession(), commandFrom('RemovePool', { pool: id, reason }), `pool ${id} removed`);
    },
  );
  pool
    .command('list')
    .description('list pools')
    .action(async () => {
      const { listPools } = await import('./entity-commands.ts');
      await listPools(await openSession());
    });
  pool
    .command('show <id>')
    .description('show a pool with all its fields and backends')
    .action(async (id: string) => {
      const { showPool } = await import('./entity-commands.ts');
      await showPool(await openSession(), id);
    });
}
