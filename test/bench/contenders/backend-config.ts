/**
 * nginx as the backend behind every proxy that is measured, so that none of them is compared on another one's answers.
 * Logs are off; a connection is kept for as long as a proxy wants to.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MIB = 1_048_576;

/**
 * Writes what nginx needs and returns its arguments: a 70-byte answer at `/`, a MiB at `/mib`, and at `/post` a short
 * answer to a POST once its body has been read.
 *
 * A plain `return 200` answers before the body has come, and a proxy may then stop reading it. `mirror` reads the whole body
 * to hand it to a subrequest (which answers at once); only then the file is found to refuse a POST, and that 405 is made
 * the answer.
 */
export async function backendArguments(directory: string, port: number): Promise<string[]> {
  await writeFile(join(directory, 'mib'), Buffer.alloc(MIB, 'muster '));
  await writeFile(join(directory, 'post'), '');
  const file = join(directory, 'backend.conf');
  await writeFile(
    file,
    `master_process off; daemon off; pid ${directory}/backend.pid;
     events { worker_connections 4096; }
     http {
       access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; sendfile on;
       client_body_buffer_size 128k;
       server {
         listen 127.0.0.1:${port} backlog=4096;
         root ${directory};
         location = / { return 200 "A short answer, as long as the ones in the published comparisons: 70.\\n"; }
         location = /post { mirror /mirrored; error_page 405 =200 @answered; }
         location = /mirrored { internal; return 204; }
         location @answered { return 200 "The body has been read.\\n"; }
       }
     }`,
  );
  return ['-c', file, '-e', join(directory, 'backend.log')];
}
