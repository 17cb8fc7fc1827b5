/**
 * A real browser in front of a real node: no page of anybody else has anything answered by the admin API, by whatever means a page has
 * to ask, whereas the browser's own address bar has, and so has a page of the API's own origin.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { chromium, type Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { startHttpBackend } from '../harness/http/http-backend.ts';
import { startTestNode, testFolder } from '../harness/node.ts';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = CANDIDATES.find((path) => existsSync(path));
if (executablePath === undefined) process.stderr.write('skipped: there is no browser; apt-get install chromium\n');

/** Each way in which a page asks for an address; true where it got an answer that it can tell from a refusal. */
const WAYS: Readonly<Record<string, string>> = {
  fetch: `fetch(url).then(({ ok }) => ok, () => false)`,
  'fetch without CORS': `fetch(url, { mode: 'no-cors' }).then(({ type, ok }) => ok && type !== 'opaque', () => false)`,
  'a form-like POST': `fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }).then(({ ok }) => ok, () => false)`,
  'an image': `new Promise((resolve) => { const one = new Image(); one.onload = () => resolve(true); one.onerror = () => resolve(false); one.src = url; })`,
  'a script': `new Promise((resolve) => { const one = document.createElement('script'); one.onload = () => resolve(true); one.onerror = () => resolve(false); one.src = url; document.head.append(one); })`,
  'a style sheet': `new Promise((resolve) => { const one = document.createElement('link'); one.rel = 'stylesheet'; one.onload = () => resolve(true); one.onerror = () => resolve(false); one.href = url; document.head.append(one); })`,
  'an event source': `new Promise((resolve) => { const one = new EventSource(url); one.onopen = () => { one.close(); resolve(true); }; one.onerror = () => { one.close(); resolve(false); }; })`,
};

async function answered(page: Page, url: string): Promise<string[]> {
  const got: string[] = [];
  for (const [name, way] of Object.entries(WAYS)) {
    if (await page.evaluate(`((url) => ${way})(${JSON.stringify(url)})`)) got.push(name);
  }
  return got;
}

/** A browser does not tell what was answered to what it keeps from a page. So this stands between, and reads the status lines. */
async function listener(port: number): Promise<{ url: string; statuses: number[] } & AsyncDisposable> {
  const statuses: number[] = [];
  const server = createServer((downstream) => {
    const upstream = connect(port, '127.0.0.1');
    downstream.pipe(upstream).pipe(downstream);
    for (const end of [downstream, upstream]) end.on('error', () => end.destroy());
    upstream.on('data', (bytes: Buffer) => {
      for (const [, status] of bytes.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3})/g)) statuses.push(Number(status));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    statuses,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

test.skipIf(executablePath === undefined)('a page of another origin is answered nothing, and a person is', async () => {
  await using folder = await testFolder();
  await using node = await startTestNode({ folder, config: '[[pools]]\nid = "p"\n' });
  await using foreign = await startHttpBackend((_request, response) => {
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>elsewhere</title>');
  });
  await using browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  await using admin = await listener(Number(new URL(node.admin).port));
  const { statuses } = admin;

  // Another port of the same host is the same site to a browser, and another name is another one.
  for (const host of ['127.0.0.1', 'localhost']) {
    await page.goto(`http://${host}:${foreign.target.split(':')[1]}/`);
    for (const path of ['/v1/status', '/v1/events', '/v1/commands']) {
      expect([host, path, await answered(page, `${admin.url}${path}`)]).toEqual([host, path, []]);
    }
  }
  expect(statuses.length).toBeGreaterThan(2 * Object.keys(WAYS).length);
  expect(new Set(statuses)).toEqual(new Set([403]));

  statuses.length = 0;
  expect((await page.goto(`${admin.url}/v1/status`))!.status()).toBe(200);
  expect(statuses).toContain(200);
  // The answer lets its own page load nothing, so that the page is one of no use to anybody who gets a script into it.
  expect(await page.evaluate(`fetch('/v1/status').then(() => true, () => false)`)).toBe(false);
});
