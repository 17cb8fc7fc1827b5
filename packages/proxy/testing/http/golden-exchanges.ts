/**
 * Exchanges as they must look on both sides, to the byte: what one side sends, and what arrives at the other.
 *
 * The listener adds no forwarded fields (`forwardedFields: 'none'`); requests bring their id and answers their Date, so that
 * nothing in them depends on chance or time.
 */
export interface Step {
  readonly from: 'client' | 'backend' | 'muster';
  readonly sends: string;
  /** At the other side; at the client where Muster itself answers. */
  readonly arrives: string;
  /** The sender ends its side after it; the end arrives as well. */
  readonly ends?: boolean;
  /** The client's connection is ended by Muster after it. */
  readonly isLast?: boolean;
}

export interface Golden {
  readonly name: string;
  readonly steps: readonly Step[];
}

const ID = 'X-Request-Id: 7\r\n';
const VIA = 'Via: 1.1 muster\r\n';
/** Of a request with that first line. */
const viaOf = (line: string): string => `Via: ${line.slice(-3)} muster\r\n`;
const DATE = 'Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n';

interface Content {
  readonly body?: string;
  /** Where they arrive otherwise than they were sent. */
  readonly forwardedLine?: string;
  readonly forwardedBody?: string;
}

function request(line: string, fields = '', { body = '', ...forwarded }: Content = {}): Step {
  return {
    from: 'client',
    sends: `${line}\r\nHost: a\r\n${ID}${fields}\r\n${body}`,
    arrives: `${forwarded.forwardedLine ?? line}\r\nHost: a\r\n${fields}${viaOf(line)}${ID}\r\n${forwarded.forwardedBody ?? body}`,
  };
}

function answer(line: string, fields: string, body = ''): Step {
  return {
    from: 'backend',
    sends: `HTTP/1.1 ${line}\r\n${DATE}${fields}\r\n${body}`,
    arrives: `HTTP/1.1 ${line}\r\n${DATE}${fields}${ID}${VIA}\r\n${body}`,
  };
}

function interim(line: string, fields = ''): Step {
  return {
    from: 'backend',
    sends: `HTTP/1.1 ${line}\r\n${fields}\r\n`,
    arrives: `HTTP/1.1 ${line}\r\n${fields}${VIA}\r\n`,
  };
}

const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const ASKED = request('GET / HTTP/1.1');
const LAST = 'Connection: close\r\n';

export const GOLDEN_EXCHANGES: readonly Golden[] = [
  { name: 'no body, and an answer with a length', steps: [ASKED, answer('200 OK', 'Content-Length: 5\r\n', 'hello')] },
  {
    name: 'a body with a length, and an empty answer',
    steps: [
      request('POST /a?b=c HTTP/1.1', 'Content-Length: 6\r\n', { body: 'ab\r\n\0\xff' }),
      answer('201 Created', 'Content-Length: 0\r\nLocation: /x\r\n'),
    ],
  },
  {
    name: 'chunks with extensions and trailers both ways; extensions go no further',
    steps: [
      request('PUT / HTTP/1.1', CHUNKED, {
        body: '3;a=b\r\nabc\r\n0A ; c="d;"\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
        forwardedBody: '3\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n',
      }),
      {
        from: 'backend',
        sends: `HTTP/1.1 200 OK\r\n${DATE}${CHUNKED}\r\n2;x\r\nhi\r\n0\r\nX-Sum: 2\r\n\r\n`,
        arrives: `HTTP/1.1 200 OK\r\n${DATE}${CHUNKED}${ID}${VIA}\r\n2\r\nhi\r\n0\r\nX-Sum: 2\r\n\r\n`,
      },
    ],
  },
  {
    name: 'an answer that ends with its connection ends the client’s too',
    steps: [
      ASKED,
      {
        from: 'backend',
        sends: `HTTP/1.1 200 OK\r\n${DATE}\r\nto the end`,
        arrives: `HTTP/1.1 200 OK\r\n${DATE}${ID}${LAST}${VIA}\r\nto the end`,
        ends: true,
        isLast: true,
      },
    ],
  },
  {
    name: 'an answer to HEAD has a length and no body',
    steps: [request('HEAD / HTTP/1.1'), answer('200 OK', 'Content-Length: 5000\r\n')],
  },
  { name: '204 has no body', steps: [ASKED, answer('204 No Content', 'X-A: b\r\n')] },
  {
    name: '304 has no body, whatever length it names',
    steps: [ASKED, answer('304 Not Modified', 'Content-Length: 9\r\n')],
  },
  {
    name: 'several interim answers',
    steps: [
      ASKED,
      interim('102 Processing'),
      interim('103 Early Hints', 'Link: </a.css>; rel=preload\r\nLink: </b.js>\r\n'),
      interim('103 Early Hints'),
      answer('200 OK', 'Content-Length: 2\r\n', 'hi'),
    ],
  },
  {
    name: '100-continue with the body sent after it',
    steps: [
      request('POST / HTTP/1.1', 'Expect: 100-continue\r\nContent-Length: 4\r\n'),
      interim('100 Continue'),
      { from: 'client', sends: 'body', arrives: 'body' },
      answer('200 OK', 'Content-Length: 2\r\n', 'hi'),
    ],
  },
  {
    name: 'an HTTP/1.0 client gets no interim answer and no chunks, and its connection ends',
    steps: [
      request('GET /old HTTP/1.0', '', { forwardedLine: 'GET /old HTTP/1.1' }),
      {
        from: 'backend',
        sends: `HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\n${DATE}${CHUNKED}\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n`,
        arrives: `HTTP/1.1 200 OK\r\n${DATE}${ID}${LAST}${VIA}\r\nabcde`,
        isLast: true,
      },
    ],
  },
  {
    name: 'an absolute target has the last word on the host',
    steps: [
      {
        from: 'client',
        sends: `GET http://shop.example:81/cart?id=7 HTTP/1.1\r\nHost: a\r\n${ID}\r\n`,
        arrives: `GET /cart?id=7 HTTP/1.1\r\nHost: shop.example:81\r\n${VIA}${ID}\r\n`,
      },
      answer('200 OK', 'Content-Length: 2\r\n', 'hi'),
    ],
  },
  {
    name: 'OPTIONS * with a Max-Forwards that is counted down',
    steps: [
      {
        from: 'client',
        sends: `OPTIONS * HTTP/1.1\r\nMax-Forwards: 3\r\nHost: a\r\n${ID}\r\n`,
        arrives: `OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 2\r\n${VIA}${ID}\r\n`,
      },
      answer('200 OK', 'Content-Length: 0\r\nAllow: GET\r\n'),
    ],
  },
  {
    name: 'a switch of protocols, with bytes sent ahead by both, and half-closed by both',
    steps: [
      {
        from: 'client',
        sends: `GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n${ID}\r\n`,
        arrives: `GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n${VIA}${ID}\r\n`,
      },
      {
        from: 'backend',
        sends: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n\0said ahead',
        arrives: `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n${ID}${VIA}\r\n\0said ahead`,
      },
      { from: 'client', sends: 'GET / HTTP/1.1\r\n', arrives: 'GET / HTTP/1.1\r\n' },
      { from: 'client', sends: 'bye', arrives: 'bye', ends: true },
      { from: 'backend', sends: 'and bye', arrives: 'and bye', ends: true, isLast: true },
    ],
  },
];
