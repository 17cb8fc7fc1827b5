/**
 * Targets with host names, by the name servers of `[resolver]`: probes and traffic reach them, silent names hold up nobody else, and
 * an outage of the name server costs nothing and is told once.
 */
import { DnsServer, type DnsAnswer, type DnsQuestion } from '@muster/transport/testing';
import { expect, test } from 'vitest';
import { startNamedHttp } from '../harness/http/http-backend.ts';
import { ask } from '../harness/http/http-client.ts';
import { startTestNode, testFolder } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const here = ({ type }: DnsQuestion): DnsAnswer => ({ addresses: type === 'A' ? ['127.0.0.1'] : [], ttlS: 1 });

const resolverTable = (dns: DnsServer) =>
  `[resolver]\nservers = ["${dns.address}"]\nsearch = ["shop.test"]\ntimeoutMs = 1000\ntries = 1\n`;

test('a name leads probes and traffic to its backend, whatever becomes of other names and of the name server', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedHttp('named');
  const known = (question: DnsQuestion): DnsAnswer => (question.name.startsWith('silent') ? 'silent' : here(question));
  await using dns = await DnsServer.start(known);
  const silent = Array.from({ length: 20 }, (_, index) => `{ id = "s-${index}", target = "silent-${index}:80" }`);
  await using node = await startTestNode({
    folder,
    config: `${resolverTable(dns)}
[[pools]]
id = "p"
health = { http = "/", intervalMs = 1000, timeoutMs = 900 }
backends = [{ id = "b", target = "backend:${backend.port}" }]
[[pools]]
id = "silent"
connectTimeoutMs = 60000
backends = [${silent.join(', ')}]
[[listeners]]
id = "front"
bind = "127.0.0.1:0"
protocol = "http"
routes = [{ path = "/silent", pool = "silent" }, { pool = "p" }]`,
  });
  const front = await node.address('front');
  await eventually('the backend is healthy', async () => (await ask(front)).status === 200);
  expect(dns.asked.map(({ name }) => name)).toContain('backend.shop.test');

  const leaving = new AbortController();
  const waiting = silent.map((_, index) =>
    fetch(`http://127.0.0.1:${front.port}/silent/${index}`, { signal: leaving.signal }).catch(() => null),
  );
  await eventually('silent names are looked up', () =>
    Promise.resolve(
      new Set(dns.asked.filter(({ name }) => name.startsWith('silent')).map(({ name }) => name)).size >= 10,
    ),
  );
  expect((await ask(front)).body).toBe('named\n');
  leaving.abort();
  await Promise.all(waiting);

  dns.handler = () => 'silent';
  await eventually('the outage is told', () =>
    Promise.resolve(node.process.output().includes('backend cannot be looked')),
  );
  expect((await ask(front)).body).toBe('named\n');
  await eventually('the status names it', async () => {
    const { failingNames } = (await (await fetch(`${node.admin}/v1/status`)).json()) as {
      readonly failingNames: readonly { readonly name: string; readonly isStale: boolean }[];
    };
    return failingNames.some(({ name, isStale }) => name === 'backend' && isStale);
  });
  dns.handler = known;
  await eventually('its end is told', () =>
    Promise.resolve(node.process.output().includes('backend can be looked up again')),
  );
  const metrics = await (await fetch(`${node.admin}/metrics`)).text();
  expect(metrics).toMatch(/^muster_name_questions_total\{worker="0",outcome="found"\} [1-9]/m);
});

test('a node stops although a name server that it has asked is silent', async () => {
  await using folder = await testFolder();
  await using dns = await DnsServer.start(() => 'silent');
  await using node = await startTestNode({
    folder,
    config: `[resolver]
servers = ["${dns.address}"]
timeoutMs = 60000
tries = 10
[[pools]]
id = "p"
health = { tcp = true, timeoutMs = 600000 }
backends = [{ id = "b", target = "silent.test:80" }]`,
  });
  await eventually('it is asked', () => Promise.resolve(dns.asked.length > 0));
  expect(await node.stop()).toBe(0);
});
