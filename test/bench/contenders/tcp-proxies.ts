/**
 * The proxies that the TCP relay is compared with. Each gets what its own documentation asks for one process on one
 * core; logs are off everywhere.
 */
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeRecipe, type Recipe, type RecipePlace } from './contenders.ts';

export const tcpProxies: Readonly<Record<string, Recipe>> = {
  haproxy: { command: 'haproxy', package: 'haproxy', arguments: haproxyArguments },
  nginx: { command: 'nginx', package: 'nginx libnginx-mod-stream', arguments: nginxArguments },
  pipe: nodeRecipe('pipe-process.ts'),
};

async function nginxArguments({ directory, port, backendPort }: RecipePlace): Promise<string[]> {
  const module = '/usr/lib/nginx/modules/ngx_stream_module.so';
  const load = await access(module).then(
    () => `load_module ${module};`,
    () => '',
  );
  const file = join(directory, 'nginx-stream.conf');
  await writeFile(
    file,
    `${load} master_process off; daemon off; pid ${directory}/stream.pid;
     events { worker_connections 8192; }
     stream {
       upstream backend { server 127.0.0.1:${backendPort}; }
       server { listen 127.0.0.1:${port} backlog=4096; proxy_pass backend; }
     }`,
  );
  return ['-c', file, '-e', join(directory, 'nginx-stream.log')];
}

async function haproxyArguments({ directory, port, backendPort }: RecipePlace): Promise<string[]> {
  const file = join(directory, 'haproxy.cfg');
  await writeFile(
    file,
    `global
  nbthread 1
  maxconn 8192
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend web
  bind 127.0.0.1:${port} backlog 4096
  default_backend spells
backend spells
  balance roundrobin
  server spells-1 127.0.0.1:${backendPort}
`,
  );
  return ['-db', '-q', '-f', file];
}
