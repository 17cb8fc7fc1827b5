/** What is read of /etc/resolv.conf, as Docker, Kubernetes and systemd write it. */
import { expect, test } from 'vitest';
import { parseResolvConf } from './resolv-conf.ts';

const DOCKER = 'nameserver 127.0.0.11\noptions edns0 trust-ad ndots:0\n# ExtServers: [host(127.0.0.53)]\n';
const KUBERNETES =
  'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n';

test.each([
  ['', { servers: ['127.0.0.1'], search: [], ndots: 1 }],
  [DOCKER, { servers: ['127.0.0.11'], search: [], ndots: 0 }],
  [
    KUBERNETES,
    { servers: ['10.96.0.10'], search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'], ndots: 5 },
  ],
  ['nameserver fe80::1%eth0\nsearch .\n', { servers: ['fe80::1%eth0'], search: [], ndots: 1 }],
  ['domain a.test\nsearch B.test. c.test\n', { servers: ['127.0.0.1'], search: ['b.test', 'c.test'], ndots: 1 }],
  [
    'nameserver nonsense\nnameserver\noptions ndots:99 ndots:2\nndots 7\n',
    { servers: ['127.0.0.1'], search: [], ndots: 15 },
  ],
  ['nameserver 1.1.1.1\n'.repeat(9), { servers: ['1.1.1.1', '1.1.1.1', '1.1.1.1'], search: [], ndots: 1 }],
])('%j', (text, expected) => {
  expect(parseResolvConf(text)).toEqual(expected);
});
