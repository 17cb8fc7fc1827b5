/**
 * Legs directly on the event loop's stream handles. Everything in the project that leans on names which Node does not
 * document is in this file.
 *
 * Why: a `net.Socket` is two streams, an event emitter and a dozen objects. A relay needs none of it, and a new
 * connection costs two of them. Against `socket-transport.ts` this way takes half the CPU per request on a kept-alive
 * connection, 0.57 per new connection and a third per GiB (`docs/benchmarks.md`).
 *
 * What it uses, verified on Node 26.10: the `TCP` and `Pipe` handles with `listen`, `onconnection`, `connect`,
 * `useUserBuffer`, `readStart`, `onread`, `writeBuffer(null, view)` and `writeLatin1String(null, text)` (0, an error number,
 * or a request for a write that is not done yet), `shutdown`, `close`, `reset`, `getpeername`. `rawTransport` is null wherever that does not hold; then `socket-transport.ts`
 * does the work with public API only.
 */
import type { Address } from '@muster/membership';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { ACCEPTED_FD_MAX, DIALLED_FD_MAX } from './descriptor-limit.ts';
import { FinishingAcceptor } from './finishing-acceptor.ts';
import { LISTEN_BACKLOG, TCP_KEEP_ALIVE_S, type AcceptCallbacks, type Leg, type LegOwner } from './leg.ts';
import type { Dial, DialOwner, ListenOutcome, SocketHandle, Transport, WriteOutcome } from './leg.ts';
import { ReadBuffers, writeBegan, type LargeHolder, type ReadBuffer } from './read-buffers.ts';

interface StreamHandle {
  leg: RawLeg;
  readonly fd: number;
  onread: (this: StreamHandle) => Buffer | undefined;
  onconnection: (status: number, accepted: StreamHandle | undefined) => void;
  listen(backlog: number): number;
  connect(request: object, host: string, port?: number): number;
  connect6(request: object, host: string, port: number): number;
  setNoDelay?(isOn: boolean): number;
  setKeepAlive?(isOn: boolean, idleSeconds: number): number;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: null, bytes: Uint8Array): number | WriteRequest;
  writeLatin1String(request: null, text: string): number | WriteRequest;
  /** TCP only. */
  reset?(): number;
  getpeername?(name: { address?: string }): number;
  shutdown(request: object): number;
  close(): void;
}

interface WriteRequest {
  leg: RawLeg;
  /** Kept alive while the kernel is still to take some of it; null for a text, which has been copied. */
  bytes: Uint8Array | null;
  /** The read buffer that the bytes lie in, which is held until the write is done; null where they lie in none. */
  buffer: ReadBuffer | null;
  oncomplete: (this: WriteRequest, status: number) => void;
  writeStatus: number | null;
}

interface ConnectRequest {
  leg: RawLeg;
  dialOwner: DialOwner;
  oncomplete: (this: ConnectRequest, status: number) => void;
}

interface Bindings {
  readonly TCP: new (type: number) => StreamHandle;
  readonly Pipe: new (type: number) => StreamHandle;
  readonly TCPConnectWrap: new () => ConnectRequest;
  readonly PipeConnectWrap: new () => ConnectRequest;
  readonly ShutdownWrap: new () => { oncomplete: () => void };
  readonly tcpSocketType: number;
  readonly pipeSocketType: number;
  readonly state: Int32Array;
  readonly stateRead: number;
  readonly stateWriteError: number;
}

const UV_EOF = -4095;
/** Reads in a row that would have fitted a small buffer before a leg gives its large one back. */
const SMALL_READS_MAX = 8;
/**
 * Between two reads a handle takes another buffer, but remembers the one before in some 60 bytes until it is closed. A leg that
 * rests does so this often at most, and keeps its large buffer after that until its next reads are small.
 */
const REMEMBERED_BUFFERS_MAX = 256;

const bindings = findBindings();

/** Null where the handles are not as this file knows them. */
export const rawTransport: Transport | null = rawTransportWith(new ReadBuffers());

/** One whose legs read into buffers of their own. */
export function rawTransportWith(buffers: ReadBuffers): Transport | null {
  if (bindings === null) return null;
  return {
    name: 'raw',
    listen: (handle, callbacks) => listen(handle, callbacks, buffers),
    dial: (address, owner) => dial(address, owner, buffers),
  };
}

// After a read or a write the binding leaves its result in this array; the callback takes no arguments for speed.
const state = bindings?.state ?? new Int32Array();
const stateRead = bindings?.stateRead ?? 0;
const stateWriteError = bindings?.stateWriteError ?? 0;

class RawLeg implements Leg, LargeHolder {
  owner: LegOwner | null = null;
  hasReadLately = true;
  readonly #handle: StreamHandle;
  readonly #buffers: ReadBuffers;
  #buffer: ReadBuffer | null = null;
  #smallReadCount = 0;
  #rememberedCount = 0;
  #isPaused = false;
  #isReading = false;
  #isResting = false;
  isClosed = false;

  constructor(handle: StreamHandle, buffers: ReadBuffers) {
    this.#handle = handle;
    this.#buffers = buffers;
    handle.leg = this;
    handle.onread = onRead;
  }

  start(): void {
    this.#buffer = this.#buffers.takeSmall();
    this.#handle.useUserBuffer(this.#buffer.bytes);
    this.#handle.readStart();
  }

  /** Returns the buffer that the next read shall use, or undefined for the same one. */
  read(byteCount: number): Buffer | undefined {
    const buffer = this.#buffer!;
    this.#isResting = false;
    this.#isReading = true;
    this.owner!.onBytes(this, buffer.first(byteCount));
    this.#isReading = false;
    // A paused leg's bytes may still be what its owner is to write.
    if (this.isClosed || this.#isPaused) return undefined;
    if (buffer.isBeingWritten) return this.#swap(this.#buffers.takeSmall());
    if (buffer.isLarge) return this.#readLarge(byteCount, buffer.bytes.length);
    return byteCount === buffer.bytes.length ? this.#swap(this.#buffers.takeLarge(this)) : undefined;
  }

  rest(): void {
    if (this.#buffer?.isLarge !== true || !this.#buffers.areLargeScarce) return;
    if (this.#isReading) this.#isResting = true;
    else this.yieldLarge();
  }

  yieldLarge(): void {
    if (this.isClosed || this.#isPaused || this.#isReading || this.#buffer!.isBeingWritten) return;
    if (this.#rememberedCount === REMEMBERED_BUFFERS_MAX) return;
    this.#replaceBuffer();
  }

  fail(code: number): void {
    if (this.isClosed) return;
    if (code === UV_EOF) this.owner!.onEnd(this);
    else this.owner!.onReset(this);
  }

  write(bytes: Uint8Array): WriteOutcome {
    return this.#written(this.#handle.writeBuffer(null, bytes), bytes);
  }

  writeText(text: string): WriteOutcome {
    return this.#written(this.#handle.writeLatin1String(null, text), null);
  }

  #written(result: number | WriteRequest, bytes: Uint8Array | null): WriteOutcome {
    if (typeof result === 'number') return result === 0 ? 'taken' : 'failed';
    if (state[stateWriteError] !== 0) return 'failed';
    if (result.writeStatus !== null && result.writeStatus !== undefined) {
      return result.writeStatus === 0 ? 'taken' : 'failed';
    }
    result.leg = this;
    result.bytes = bytes;
    result.buffer = bytes === null ? null : writeBegan(bytes);
    result.oncomplete = onWriteComplete;
    return 'pending';
  }

  written(status: number): void {
    if (this.isClosed) return;
    if (status === 0) this.owner!.onDrained(this);
    else this.owner!.onWriteFailed(this);
  }

  pause(): void {
    this.#isPaused = true;
    this.#handle.readStop();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#buffer?.isBeingWritten === true && !this.#isReading) this.#replaceBuffer();
    this.#handle.readStart();
  }

  end(): void {
    const request = new bindings!.ShutdownWrap();
    request.oncomplete = ignoreShutdown;
    this.#handle.shutdown(request);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#handle.close();
    this.#giveBackBuffer();
  }

  reset(): void {
    if (this.isClosed) return;
    // A peer that has gone already cannot be told; the handle is open then still.
    if (this.#handle.reset === undefined || this.#handle.reset() !== 0) return this.close();
    this.isClosed = true;
    this.#giveBackBuffer();
  }

  /** The kernel forgets the peer's name with a reset. */
  isPeerGone(): boolean {
    return this.#handle.getpeername !== undefined && this.#handle.getpeername({}) !== 0;
  }

  peerAddress(): string | null {
    const name: { address?: string } = {};
    this.#handle.getpeername?.(name);
    return name.address ?? null;
  }

  #readLarge(byteCount: number, bufferBytes: number): Buffer | undefined {
    this.hasReadLately = true;
    const isSmall = byteCount <= bufferBytes >> 4;
    this.#smallReadCount = isSmall ? this.#smallReadCount + 1 : 0;
    if (this.#smallReadCount < SMALL_READS_MAX && !this.#isResting) return undefined;
    return this.#swap(this.#buffers.takeSmall());
  }

  /** Between two reads, where the handle cannot be told by what a read returns. */
  #replaceBuffer(): void {
    this.#rememberedCount++;
    this.#handle.useUserBuffer(this.#swap(this.#buffers.takeSmall())!);
  }

  #swap(next: ReadBuffer | null): Buffer | undefined {
    if (next === null) return undefined;
    this.#giveBackBuffer();
    if (next.isLarge) this.hasReadLately = true;
    this.#buffer = next;
    this.#smallReadCount = 0;
    return next.bytes;
  }

  #giveBackBuffer(): void {
    const buffer = this.#buffer;
    if (buffer === null) return;
    this.#buffer = null;
    if (buffer.isLarge) this.#buffers.holdsNoLarge(this);
    buffer.giveBack();
  }
}

function onRead(this: StreamHandle): Buffer | undefined {
  const byteCount = state[stateRead]!;
  if (byteCount > 0) return this.leg.read(byteCount);
  if (byteCount < 0) this.leg.fail(byteCount);
  return undefined;
}

function onWriteComplete(this: WriteRequest, status: number): void {
  this.buffer?.writeDone();
  this.leg.written(status);
}

/** A shutdown that fails has nothing to say that the read side will not say too. */
function ignoreShutdown(): void {}

function onConnect(this: ConnectRequest, status: number): void {
  if (this.leg.isClosed) return;
  if (status === 0) this.dialOwner.onConnected(this.leg);
  else failDial(this, status);
}

function failDial({ leg, dialOwner }: ConnectRequest, status: number): void {
  if (leg.isClosed) return;
  leg.close();
  dialOwner.onConnectFailed(getSystemErrorName(status));
}

function dial(address: Address, dialOwner: DialOwner, buffers: ReadBuffers): Dial {
  const { TCP, Pipe, TCPConnectWrap, PipeConnectWrap, tcpSocketType, pipeSocketType } = bindings!;
  const isTcp = address.kind === 'tcp';
  const handle = isTcp ? new TCP(tcpSocketType) : new Pipe(pipeSocketType);
  const request = isTcp ? new TCPConnectWrap() : new PipeConnectWrap();
  const leg = new RawLeg(handle, buffers);
  request.leg = leg;
  request.dialOwner = dialOwner;
  request.oncomplete = onConnect;
  // Before the socket exists these only leave a mark; the options are set when `connect` opens it.
  setSocketOptions(handle);
  const connected = connect(handle, address, request);
  const status = handle.fd >= DIALLED_FD_MAX ? -constants.errno.EMFILE : connected;
  if (status !== 0) process.nextTick(failDial, request, status);
  return leg;
}

function connect(handle: StreamHandle, address: Address, request: ConnectRequest): number {
  if (address.kind === 'unix') return handle.connect(request, address.path);
  // It is a literal address, so that a colon tells them apart; the expression of `isIPv6` costs more than all of our own code here.
  if (address.host.includes(':')) return handle.connect6(request, address.host, address.port);
  return handle.connect(request, address.host, address.port);
}

function listen(socket: SocketHandle, callbacks: AcceptCallbacks, buffers: ReadBuffers): Promise<ListenOutcome> {
  const handle = socket as StreamHandle;
  // Linux hands the listening socket's options down to each connection, which saves five system calls on each.
  const isInherited = process.platform === 'linux';
  if (isInherited) setSocketOptions(handle);
  const acceptor = new FinishingAcceptor(() => handle.close());
  handle.onconnection = (status, accepted) => {
    if (accepted === undefined) return callbacks.onAcceptFailed(getSystemErrorName(status));
    acceptor.accepted();
    if (accepted.fd >= ACCEPTED_FD_MAX) {
      accepted.close();
      return callbacks.onAcceptFailed('EMFILE');
    }
    if (!isInherited) setSocketOptions(accepted);
    callbacks.onAccepted(new RawLeg(accepted, buffers));
  };
  const status = handle.listen(LISTEN_BACKLOG);
  if (status === 0) return Promise.resolve({ ok: true, acceptor });
  handle.close();
  return Promise.resolve({ ok: false, code: getSystemErrorName(status) });
}

function setSocketOptions(handle: StreamHandle): void {
  handle.setNoDelay?.(true);
  handle.setKeepAlive?.(true, TCP_KEEP_ALIVE_S);
}

/** Every name is checked before any is used. */
function findBindings(): Bindings | null {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major !== 26 || minor < 10) return null;
  const [tcp, pipe, stream] = ['tcp_wrap', 'pipe_wrap', 'stream_wrap'].map(bindingNamed);
  const found = {
    TCP: tcp?.['TCP'],
    Pipe: pipe?.['Pipe'],
    TCPConnectWrap: tcp?.['TCPConnectWrap'],
    PipeConnectWrap: pipe?.['PipeConnectWrap'],
    ShutdownWrap: stream?.['ShutdownWrap'],
    tcpSocketType: (tcp?.['constants'] as Record<string, unknown> | undefined)?.['SOCKET'],
    pipeSocketType: (pipe?.['constants'] as Record<string, unknown> | undefined)?.['SOCKET'],
    state: stream?.['streamBaseState'],
    stateRead: stream?.['kReadBytesOrError'],
    stateWriteError: stream?.['kLastWriteErr'],
  };
  return isComplete(found) ? found : null;
}

/** Undefined where there is none, or where asking is forbidden, as it is under `--permission`. */
function bindingNamed(name: string): Record<string, unknown> | undefined {
  const { noDeprecation } = process;
  // With `--pending-deprecation` asking would print a warning; what it warns of is what this file allows for.
  process.noDeprecation = true;
  try {
    const { binding } = process as unknown as { binding?: (name: string) => Record<string, unknown> };
    return binding?.call(process, name);
  } catch {
    return undefined;
  } finally {
    process.noDeprecation = noDeprecation ?? false;
  }
}

function isComplete(found: Record<keyof Bindings, unknown>): found is Record<keyof Bindings, unknown> & Bindings {
  const { TCP, Pipe, TCPConnectWrap, PipeConnectWrap, ShutdownWrap, state: results, ...numbers } = found;
  const classes = [TCP, Pipe, TCPConnectWrap, PipeConnectWrap, ShutdownWrap];
  if (!classes.every((value) => typeof value === 'function')) return false;
  if (!(results instanceof Int32Array) || !Object.values(numbers).every((value) => typeof value === 'number'))
    return false;
  const methods = [
    'listen',
    'connect',
    'useUserBuffer',
    'readStart',
    'readStop',
    'writeBuffer',
    'writeLatin1String',
    'shutdown',
    'close',
  ];
  return [TCP, Pipe].every((handle) => methods.every((name) => name in (handle as { prototype: object }).prototype));
}
