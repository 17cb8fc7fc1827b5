/**
 * Keys and tokens for this package's tests alone: they are published here or made on the spot, and protect nothing.
 *
 * The certificate is self-signed, kept as text so that the tests need no tool to make one, and ends in a hundred years:
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
 *       -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out certificate.pem
 */
import { nkeys } from '@nats-io/transport-node';

export const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6CsVpFl4n352IpHb
EWmQchGOatzfISX+u/zJGqjF5HShRANCAAT15wAc8xkWZhtHFnZcFpOrcBwTAauJ
kXSk30EwpB4X/Bs3Ddv1RjgvYWH4U7S/oQ94dd0b4oN2Flvg9WNhCLK8
-----END PRIVATE KEY-----
`;

export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUB//hunbxEpKR/dFHAhdJqUvyyL4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA1MzIyNFoYDzIxMjYxMDI4
MDUzMjI0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT15wAc8xkWZhtHFnZcFpOrcBwTAauJkXSk30EwpB4X/Bs3Ddv1Rjgv
YWH4U7S/oQ94dd0b4oN2Flvg9WNhCLK8o28wbTAdBgNVHQ4EFgQUFC9sSF16URQD
tbJcJikdY8SpUvcwHwYDVR0jBBgwFoAUFC9sSF16URQDtbJcJikdY8SpUvcwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAN3KHM0VclvqZJe69NwO+rjv0NXPI/ckM1f7aDlub8oPAiEA
n+vCBokiIs/3PNVDoS53zflMjB48uez27ngmIvUQEZM=
-----END CERTIFICATE-----
`;

type KeyPair = ReturnType<typeof nkeys.createUser>;

export interface TestUser {
  readonly publicKey: string;
  readonly seed: string;
}

export function testUser(): TestUser {
  return described(nkeys.createUser());
}

/** Lines of a server's config with an operator and two accounts in its memory, and a credentials file of a user of the second. */
export function testOperator(): { readonly configLines: string; readonly credentials: string } {
  const operator = nkeys.createOperator();
  const [system, account] = [nkeys.createAccount(), nkeys.createAccount()];
  const user = nkeys.createUser();
  const unlimited = { subs: -1, data: -1, payload: -1, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
  const accountToken = (pair: KeyPair) => token(operator, pair, { type: 'account', limits: unlimited });
  const userToken = token(account, user, { type: 'user', subs: -1, data: -1, payload: -1 });
  const preload = [system, account].map((pair) => `${pair.getPublicKey()}: ${accountToken(pair)}`);
  const configLines = `
    operator: ${token(operator, operator, { type: 'operator' })}
    system_account: ${system.getPublicKey()}
    resolver: MEMORY
    resolver_preload: { ${preload.join(', ')} }`;
  const credentials = `-----BEGIN NATS USER JWT-----
${userToken}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${described(user).seed}
------END USER NKEY SEED------
`;
  return { configLines, credentials };
}

function described(pair: KeyPair): TestUser {
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}

function token(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = part({ typ: 'JWT', alg: 'ed25519-nkey' });
  const name = subject.getPublicKey();
  const claims = part({
    jti: name,
    iat: 1,
    iss: issuer.getPublicKey(),
    name,
    sub: name,
    nats: { version: 2, ...nats },
  });
  const signature = issuer.sign(new TextEncoder().encode(`${header}.${claims}`));
  return `${header}.${claims}.${Buffer.from(signature).toString('base64url')}`;
}
