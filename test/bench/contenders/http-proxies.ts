/**
 * The proxies that the HTTP data plane is compared with: the native ones, what Node offers, and the proxies of the registry
 * that are built on it.
 *
 * Each is one process, keeps its upstream connections alive, tells the backend of the client where it can do so, and has its logs
 * off. Otherwise it has what its own documentation asks for one core; nginx passes request bodies on as they come, since all the
 * others do, and writes no answer to a file; HAProxy starts also where two sockets for each of its connections would be more than
 * the process may have, since the idle ones have only one.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeRecipe, type Recipe, type RecipePlace } from './contenders.ts';

export const httpProxies: Readonly<Record<string, Recipe>> = {
  haproxy: { command: 'haproxy', package: 'haproxy', arguments: haproxyArguments },
  nginx: { command: 'nginx', package: 'nginx', arguments: nginxArguments },
  caddy: { command: 'caddy', package: 'caddy', arguments: caddyArguments },
  node: nodeRecipe('node-http-process.ts'),
  httpxy: nodeRecipe('httpxy-process.ts'),
  'fast-proxy': nodeRecipe('fast-proxy-process.ts'),
  fastify: nodeRecipe('fastify-proxy-process.ts'),
};

/** Of `httpProxies`, those that run on Node: what somebody would take who wants a proxy in TypeScript. */
export const nodeProxyNames: readonly string[] = ['node', 'httpxy', 'fast-proxy', 'fastify'];

async function haproxyArguments({ directory, port, backendPort }: RecipePlace): Promise<string[]> {
  const file = join(directory, 'haproxy-http.cfg');
  await writeFile(
    file,
    `global
  nbthread 1
  maxconn 16384
  no strict-limits
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend web
  bind 127.0.0.1:${port} backlog 4096
  option forwardfor
  default_backend spells
backend spells
  balance roundrobin
  http-reuse always
  server spells-1 127.0.0.1:${backendPort}
`,
  );
  return ['-db', '-q', '-f', file];
}

async function nginxArguments({ directory, port, backendPort }: RecipePlace): Promise<string[]> {
  const file = join(directory, 'nginx-proxy.conf');
  await writeFile(
    file,
    `master_process off; daemon off; pid ${directory}/proxy.pid;
     events { worker_connections 16384; }
     http {
       access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
       upstream backend {
         server 127.0.0.1:${backendPort};
         keepalive 128; keepalive_requests 1000000000; keepalive_timeout 1h;
       }
       server {
         listen 127.0.0.1:${port} backlog=4096;
         location / {
           proxy_pass http://backend;
           proxy_http_version 1.1;
           proxy_set_header Connection "";
           proxy_set_header Host $http_host;
           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
           proxy_request_buffering off;
           proxy_max_temp_file_size 0;
         }
       }
     }`,
  );
  return ['-c', file, '-e', join(directory, 'nginx-proxy.log')];
}

async function caddyArguments({ directory, port, backendPort }: RecipePlace): Promise<string[]> {
  const file = join(directory, 'Caddyfile');
  await writeFile(
    file,
    `{
  admin off
  auto_https off
  persist_config off
  log {
    output discard
  }
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${backendPort} {
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
}
`,
  );
  return ['run', '--config', file, '--adapter', 'caddyfile'];
}
