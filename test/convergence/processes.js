// Programs that the test starts, and ends.

import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';

const running = new Set();

/** Starts a program; what it prints goes to a file, its stdout to `onLine` instead and its stderr to `onErrorLine` as well if they are given. */
export function start(command, args, { env, log, onLine, onErrorLine }) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const file = createWriteStream(log, { flags: 'a' });
  child.stderr.pipe(file, { end: false });
  if (onErrorLine) forEachLine(child.stderr, onErrorLine);
  if (onLine) forEachLine(child.stdout, onLine);
  else child.stdout.pipe(file, { end: false });
  running.add(child);
  child.ended = new Promise((resolve) => {
    child.on('error', (error) => { file.write(`${error.message}\n`); resolve(error.message); });
    child.on('exit', (code, signal) => { running.delete(child); resolve(signal ?? code); });
  });
  return child;
}

/** Runs a program to its end; throws with what it printed when it fails. */
export async function run(command, args, env) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data) => { output += data; });
  child.stderr.on('data', (data) => { output += data; });
  // Not 'close': a server that pg_ctl has started keeps the pipes open.
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  child.stdout.destroy();
  child.stderr.destroy();
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${output}`);
}

/** For the end of the test, however it ends. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

function forEachLine(stream, onLine) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (data) => {
    const lines = (rest + data).split('\n');
    rest = lines.pop();
    for (const line of lines) onLine(line);
  });
}
