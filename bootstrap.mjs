/**
 * Runs the scripts of package.json on a machine that has nothing but Node ≥ 18 and npm. Every script there leads here, so
 * `npm run NAME` works in a bare clone as well:
 *
 *     node bootstrap.mjs test:unit packages/probes  one script, with the arguments that follow it
 *     node bootstrap.mjs --each format lint         several, one after another; the first that fails ends it
 *     node bootstrap.mjs --each lint+types test:e2e the same, those joined by "+" side by side
 *     node bootstrap.mjs --run vitest run           a command
 *
 * It installs what is missing (with the pnpm that package.json pins, fetched by npm), then starts the command with
 * `node_modules/.bin` first on PATH: so on the project's own Node, whichever this file runs on.
 *
 * Plain JavaScript, since it must run before anything is installed. There is no shell between this process and the command, since it
 * would keep signals from the command.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(fileURLToPath(import.meta.url));
const BIN = join(ROOT, 'node_modules', '.bin');
/** Says which lock file node_modules was made from. */
const STAMP = join(ROOT, 'node_modules', '.muster-lock-hash');
const NODE_MAJOR_MIN = 18;

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

function fail(message) {
  console.error(`muster: ${message}`);
  process.exit(1);
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'pnpm-lock.yaml')))
    .digest('hex');
}

function isInstalled() {
  return existsSync(join(BIN, 'node')) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockHash();
}

/** Starts a command with this terminal. Resolves to its exit code, 128 + the signal's number for one that was killed. */
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
    let isTold = false;
    const forward = (signal) => {
      // A terminal's Ctrl-C has reached the child already, as it does the whole foreground process group.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      if (!isTold) child.kill(signal);
      isTold = true;
    };
    const onInterrupt = () => forward('SIGINT');
    const onTerminate = () => forward('SIGTERM');
    process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

/** The last lines of a failed installation that say something. */
function failureText(output) {
  const isOffline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|META_FETCH_FAIL/.test(output);
  const lines = output.split('\n').filter((line) => /\b(err|error|ERR_\w+)\b/i.test(line));
  if (isOffline) return 'the package registry cannot be reached; is this machine online?';
  return lines[0]?.trim() ?? 'pnpm gave no reason';
}

async function install() {
  console.error('muster: installing the dependencies (once; about half a minute) …');
  // This is the pinned pnpm already, so it has no reason to look for another (`pm-on-fail`).
  const pnpmArgs = ['install', '--frozen-lockfile', '--pm-on-fail=ignore'];
  const args = ['exec', '--yes', '--loglevel=error', manifest.packageManager, '--', ...pnpmArgs];
  let output = '';
  const child = spawn('npm', args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CI: 'true' },
  });
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      output += `error: ${error.message}`;
      resolve(1);
    });
    child.once('close', resolve);
  });
  if (code !== 0) fail(`could not install the dependencies: ${failureText(output)}`);
  writeFileSync(STAMP, lockHash());
}

/** Starts a command of the project. Resolves to its exit code. `options` are those of `spawn`. */
async function runCommand([command, ...args], options) {
  const env = {
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compile'),
    ...process.env,
    PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}`,
  };
  try {
    return await run(join(BIN, command), args, { ...options, env });
  } catch (error) {
    return fail(`could not start ${command}: ${error.message}`);
  }
}

/** How each script of package.json begins. What follows are arguments of this file. */
const HERE = 'exec node bootstrap.mjs ';

/** The arguments that a script of package.json gives to this file. */
function argumentsOf(name) {
  const script = manifest.scripts[name];
  if (script === undefined) {
    fail(`there is no script ${name}; there are ${Object.keys(manifest.scripts).join(', ')}`);
  }
  if (!script.startsWith(HERE)) fail(`the script ${name} does not begin with "${HERE.trim()}"`);
  return script.slice(HERE.length).split(/\s+/);
}

/** Runs scripts at the same time. What each of them wrote is shown once it ends. Resolves to their exit codes. */
function runSideBySide(names) {
  const runOne = async (name) => {
    const outputFile = join(tmpdir(), `muster-${process.pid}-${name.replace(/\W/g, '-')}.txt`);
    const output = openSync(outputFile, 'wx+', 0o600);
    try {
      const code = await perform([name], { stdio: ['ignore', output, output] });
      console.log(`\n── ${name}\n${readFileSync(outputFile, 'utf8')}`.trimEnd());
      return code;
    } finally {
      closeSync(output);
      unlinkSync(outputFile);
    }
  };
  return Promise.all(names.map(runOne));
}

/** One after another, until one fails. Resolves to the exit code of that one. */
async function runEach(steps) {
  for (const step of steps) {
    const names = step.split('+');
    if (names.length === 1) console.log(`\n── ${step}`);
    const codes = names.length === 1 ? [await perform(names)] : await runSideBySide(names);
    const failed = names.filter((_, index) => codes[index] !== 0);
    if (failed.length > 0) {
      console.error(`muster: ${failed.join(' and ')} failed`);
      return codes.find((code) => code !== 0);
    }
  }
  return 0;
}

/** Does what the arguments of this file say. Resolves to the exit code. */
function perform([first, ...rest], options = {}) {
  if (first === '--run') return runCommand(rest, options);
  if (first === '--each') return runEach(rest);
  return perform([...argumentsOf(first), ...rest], options);
}

async function main(args) {
  if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
    fail(`Node ${NODE_MAJOR_MIN} or newer is needed to install the project; this is ${process.version}`);
  }
  if (args.length === 0)
    fail('usage: node bootstrap.mjs SCRIPT [ARGUMENT…] | --each SCRIPT… | --run COMMAND [ARGUMENT…]');
  if (!isInstalled()) await install();
  process.exit(await perform(args));
}

await main(process.argv.slice(2));
