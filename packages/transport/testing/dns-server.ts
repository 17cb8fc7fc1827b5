/**
 * A name server on a loopback port, over UDP and TCP, which answers as a test tells it: addresses with a TTL, a response code, nothing
 * at all, late, or cut off so that it is asked again over TCP.
 *
 *     await using dns = await DnsServer.start(({ name, type }) => ({ addresses: type === 'A' ? ['127.0.0.1'] : [], ttlS: 60 }));
 *     const resolver = systemResolver({ servers: [dns.address] });
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type AddressInfo, type Server, type Socket as TcpSocket } from 'node:net';

export interface DnsQuestion {
  /** As asked, without the dot at its end. */
  readonly name: string;
  readonly type: 'A' | 'AAAA';
  readonly isTcp: boolean;
}

/** `silent`: no answer. */
export type DnsAnswer =
  'silent' | { readonly addresses?: readonly string[]; readonly ttlS?: number; readonly code?: DnsCode };
/** `TRUNCATED`: too long for UDP. Default: NOERROR, with the addresses. */
type DnsCode = 'SERVFAIL' | 'NXDOMAIN' | 'REFUSED' | 'TRUNCATED';
type DnsHandler = (question: DnsQuestion) => DnsAnswer | Promise<DnsAnswer>;

const RCODES: Readonly<Record<DnsCode, number>> = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5, TRUNCATED: 0 };
const HEADER_BYTES = 12;
const TYPE_A = 1;
const TYPE_AAAA = 28;
const TYPES: Readonly<Record<number, DnsQuestion['type']>> = { [TYPE_A]: 'A', [TYPE_AAAA]: 'AAAA' };

export class DnsServer implements AsyncDisposable {
  /** Questions in the order in which they came. */
  readonly asked: DnsQuestion[] = [];
  /** What it answers from now on. */
  handler: DnsHandler;
  readonly #udp: Socket = createSocket('udp4');
  readonly #tcp: Server;
  readonly #connections = new Set<TcpSocket>();

  private constructor(handler: DnsHandler) {
    this.handler = handler;
    this.#udp.on('message', (message, from) => void this.#answerUdp(message, from));
    this.#tcp = createServer((connection) => this.#serveTcp(connection));
  }

  static async start(handler: DnsHandler): Promise<DnsServer> {
    for (;;) {
      const server = new DnsServer(handler);
      // Both are to have the same port: another program may have one of them.
      if (await server.#listen()) return server;
    }
  }

  /** For `resolver.servers`. */
  get address(): string {
    return `127.0.0.1:${this.#udp.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await new Promise<void>((resolve) => this.#udp.close(() => resolve()));
    if (!this.#tcp.listening) return;
    this.#tcp.close();
    await once(this.#tcp, 'close');
  }

  async #listen(): Promise<boolean> {
    this.#tcp.listen(0, '127.0.0.1');
    await once(this.#tcp, 'listening');
    const { port } = this.#tcp.address() as AddressInfo;
    const outcome = await new Promise<'bound' | 'taken'>((resolve) => {
      this.#udp.once('error', () => resolve('taken'));
      this.#udp.bind(port, '127.0.0.1', () => resolve('bound'));
    });
    if (outcome === 'bound') return true;
    this.#tcp.close();
    return false;
  }

  async #answerUdp(message: Buffer, from: RemoteInfo): Promise<void> {
    const answer = await this.#answer(message, false);
    if (answer === null) return;
    this.#udp.send(answer, from.port, from.address);
  }

  /** Messages with their length before them (RFC 1035, 4.2.2). */
  #serveTcp(connection: TcpSocket): void {
    this.#connections.add(connection);
    let received = Buffer.alloc(0);
    connection.on('error', () => connection.destroy()).on('close', () => this.#connections.delete(connection));
    connection.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        void this.#answerTcp(received.subarray(2, end), connection);
        received = received.subarray(end);
      }
    });
  }

  async #answerTcp(message: Buffer, connection: TcpSocket): Promise<void> {
    const answer = await this.#answer(message, true);
    if (answer === null || connection.destroyed) return;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(answer.length);
    connection.write(Buffer.concat([length, answer]));
  }

  async #answer(message: Buffer, isTcp: boolean): Promise<Buffer | null> {
    const { question, end } = questionOf(message, isTcp);
    this.asked.push(question);
    const answer = await this.handler(question);
    return answer === 'silent' ? null : encode(message.subarray(0, end), question, answer);
  }
}

function questionOf(message: Buffer, isTcp: boolean): { question: DnsQuestion; end: number } {
  const labels: string[] = [];
  let index = HEADER_BYTES;
  while (message.readUInt8(index) > 0) {
    const end = index + 1 + message.readUInt8(index);
    labels.push(message.toString('latin1', index + 1, end));
    index = end;
  }
  const type = TYPES[message.readUInt16BE(index + 1)];
  if (type === undefined) throw new Error('only A and AAAA are known here');
  return { question: { name: labels.join('.'), type, isTcp }, end: index + 5 };
}

function encode(asked: Buffer, { type, isTcp }: DnsQuestion, answer: DnsAnswer & object): Buffer {
  const { addresses = [], ttlS = 60, code } = answer;
  const isTruncated = code === 'TRUNCATED' && !isTcp;
  const records = isTruncated ? [] : addresses.map((address) => record(type, ttlS, address));
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(asked.readUInt16BE(0), 0);
  header.writeUInt16BE(0x8180 | (isTruncated ? 0x0200 : 0) | (code === undefined ? 0 : RCODES[code]), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, asked.subarray(HEADER_BYTES), ...records]);
}

/** The name is a pointer to the question's. */
function record(type: DnsQuestion['type'], ttlS: number, address: string): Buffer {
  const data = type === 'A' ? Buffer.from(address.split('.').map(Number)) : sixBytes(address);
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type === 'A' ? TYPE_A : TYPE_AAAA, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlS, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function sixBytes(address: string): Buffer {
  if (!isIPv6(address)) throw new Error(`${address} is no IPv6 address`);
  const [before = '', after] = address.split('::');
  const [left, right] = [before, after ?? ''].map((part) => part.split(':').filter((group) => group !== '')) as [
    string[],
    string[],
  ];
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  const bytes = Buffer.alloc(16);
  groups.forEach((group, index) => bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2));
  return bytes;
}
