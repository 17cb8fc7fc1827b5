/**
 * Configuration files for the other proxies and for the backend behind all of them. Each proxy gets what its own
 * documentation asks for one process on one core; logs are off everywhere.
 */
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MIB = 1_048_576;

/** Writes what nginx as the backend needs, and returns its arguments: a 70-byte answer at `/`, a MiB at `/mib`. */
export async function backendArguments(directory: string, port: number): Promise<string[]> {
  await writeFile(join(directory, 'mib'), Buffer.alloc(MIB, 'muster '));
  const file = join(directory, 'backend.conf');
  await writeFile(
    file,
    `master_process off; daemon off; pid ${directory}/backend.pid;
     events { worker_connections 4096; }
     http {
       access_log off; keepalive_requests 1000000000; sendfile on;
       server {
         listen 127.0.0.1:${port} backlog=4096;
         root ${directory};
         location = / { return 200 "A short answer, as long as the ones in the published comparisons: 70.\\n"; }
       }
     }`,
  );
  return ['-c', file, '-e', join(directory, 'backend.log')];
}

export async function nginxStreamArguments(directory: string, port: number, backendPort: number): Promise<string[]> {
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

export async function haproxyArguments(directory: string, port: number, backendPort: number): Promise<string[]> {
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
