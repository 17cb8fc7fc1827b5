/**
 * Runs a script of package.json on a machine that has nothing but Node ≥ 18 and npm:
 *
 *     node bootstrap.mjs demo                       one script, with the arguments that follow it
 *     node bootstrap.mjs --each format lint         several, one after another; the first that fails ends it
 *     node bootstrap.mjs --each lint+types test:e2e the same, those joined by "+" side by side
 *
 * It installs what is missing (with the pnpm that package.json pins, fetched by npm), then starts the script's command
 * with `node_modules/.bin` first on PATH: so on the project's own Node, whichever this file runs on.
 *
 * Plain JavaScript, since it must run before anything is installed. Scripts that it runs are a command and its arguments;
 * there is no shell in between, which would keep signals from the command.
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

/** Resolves to the script's exit code. `options` are those of `spawn`. */
async function runScript(name, args, options = {}) {
  const script = manifest.scripts[name];
  if (script === undefined) {
    fail(`there is no script ${name}; there are ${Object.keys(manifest.scripts).join(', ')}`);
  }
  const [command, ...scriptArgs] = script.split(/\s+/);
  const env = {
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compile'),
    ...process.env,
    PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}`,
  };
  try {
    return await run(join(BIN, command), [...scriptArgs, ...args], { ...options, env });
  } catch (error) {
    return fail(`could not start ${command}: ${error.message}`);
  }
}

/** Runs scripts at the same time. What each of them wrote is shown once it ends. Resolves to their exit codes. */
function runSideBySide(names) {
  const runOne = async (name) => {
    const outputFile = join(tmpdir(), `muster-${process.pid}-${name.replace(/\W/g, '-')}.txt`);
    const output = openSync(outputFile, 'wx+', 0o600);
    try {
      const code = await runScript(name, [], { stdio: ['ignore', output, output] });
      console.log(`\n── ${name}\n${readFileSync(outputFile, 'utf8')}`.trimEnd());
      return code;
    } finally {
      closeSync(output);
      unlinkSync(outputFile);
    }
  };
  return Promise.all(names.map(runOne));
}

async function main([first, ...rest]) {
  if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
    fail(`Node ${NODE_MAJOR_MIN} or newer is needed to install the project; this is ${process.version}`);
  }
  if (first === undefined) fail('usage: node bootstrap.mjs SCRIPT [ARGUMENT…] | --each SCRIPT…');
  if (!isInstalled()) await install();
  if (first !== '--each') process.exit(await runScript(first, rest));

  for (const step of rest) {
    const names = step.split('+');
    if (names.length === 1) console.log(`\n── ${step}`);
    const codes = names.length === 1 ? [await runScript(step, [])] : await runSideBySide(names);
    const failed = names.filter((_, index) => codes[index] !== 0);
    if (failed.length > 0) {
      console.error(`muster: ${failed.join(' and ')} failed`);
      process.exit(codes.find((code) => code !== 0));
    }
  }
}

await main(process.argv.slice(2));
