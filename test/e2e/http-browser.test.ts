/** A real browser through a real node: a page, what the page fetches and posts, and its WebSocket. */
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { startHttpScene } from '../harness/http/http-scene.ts';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = CANDIDATES.find((path) => existsSync(path));
if (executablePath === undefined) {
  process.stderr.write('skipped: there is no browser; apt-get install chromium\n');
}

const PAGE = `<!doctype html>
<title>spells</title>
<link rel="icon" href="data:,">
<script src="/script.js"></script>`;

const SCRIPT = `
window.spells = async () => {
  const got = await (await fetch('/got')).text();
  const posted = await (await fetch('/posted', { method: 'POST', body: 'x'.repeat(200000) })).text();
  const many = await Promise.all(Array.from({ length: 30 }, (_, index) => fetch('/got?' + index)));
  const live = await new Promise((resolve, reject) => {
    const socket = new WebSocket('ws://' + location.host + '/live');
    socket.onopen = () => socket.send('a word');
    socket.onmessage = ({ data }) => { socket.close(4001, 'enough'); socket.onclose = ({ code }) => resolve(data + ' ' + code); };
    socket.onerror = () => reject(new Error('no WebSocket'));
  });
  return { got, posted, many: many.every(({ status }) => status === 200), live };
};`;

test.skipIf(executablePath === undefined)('a browser loads a page, fetches, posts and holds a WebSocket', async () => {
  await using scene = await startHttpScene((request, response) => {
    switch (request.url!.split('?', 1)[0]) {
      case '/':
        return void response.setHeader('Content-Type', 'text/html').end(PAGE);
      case '/script.js':
        return void response.setHeader('Content-Type', 'text/javascript').end(SCRIPT);
      case '/got':
        return void response.end('got it');
      default:
        return void text(request).then((body) => response.end(`${request.method} of ${body.length} bytes`));
    }
  });
  const server = new WebSocketServer({ server: scene.backend.server, path: '/live' });
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => socket.send(`${data.toString()}, heard`));
  });

  await using browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  const loaded = await page.goto(scene.url);
  expect(loaded!.status()).toBe(200);
  expect(loaded!.headers()['via']).toBe('1.1 muster');
  expect(await page.title()).toBe('spells');
  expect(await page.evaluate('window.spells()')).toEqual({
    got: 'got it',
    posted: 'POST of 200000 bytes',
    many: true,
    live: 'a word, heard 4001',
  });
});
