/** A link to a NATS that acknowledges everything, on which time can be virtual: what was said on it, and a switch. */
import type { NatsLink } from '@muster/nats';
import type { NatsConnection } from '@nats-io/transport-node';

type Callback = (error: Error | null, message: { subject: string; string(): string }) => void;

export class FakeLink implements NatsLink {
  /** Subjects of what was published outside the journal, in order. */
  readonly published: string[] = [];
  readonly replySubjects: string[] = [];
  readonly events: { readonly subject: string; readonly payload: unknown }[] = [];
  readonly subscriptions: string[] = [];
  readonly #watchers = new Set<(isConnected: boolean) => void>();
  #isConnected = true;
  #callback: Callback | null = null;

  get connection(): NatsConnection | null {
    return this.#isConnected ? this.#connection : null;
  }

  get awayReason(): string | null {
    return this.#isConnected ? null : 'switched off';
  }

  connected(): Promise<NatsConnection> {
    return this.#isConnected ? Promise.resolve(this.#connection) : new Promise(() => undefined);
  }

  watch(onChange: (isConnected: boolean) => void): () => void {
    this.#watchers.add(onChange);
    onChange(this.#isConnected);
    return () => this.#watchers.delete(onChange);
  }

  leave(): void {
    throw new Error('a member does not leave its server');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  switch(isConnected: boolean): void {
    this.#isConnected = isConnected;
    for (const watcher of this.#watchers) watcher(isConnected);
  }

  /** What a node answers to the newest heartbeat. */
  answer(text: string): void {
    this.#callback?.(null, { subject: this.replySubjects.at(-1) ?? '', string: () => text });
  }

  readonly #connection = {
    options: { inboxPrefix: '_INBOX' },
    publish: (subject: string, _text: string, { reply }: { reply: string }) => {
      this.published.push(subject);
      this.replySubjects.push(reply);
    },
    subscribe: (subject: string, { callback }: { callback: Callback }) => {
      this.subscriptions.push(subject);
      this.#callback = callback;
      return { unsubscribe: () => undefined };
    },
    request: (subject: string, payload: string) => {
      this.events.push({ subject, payload: JSON.parse(payload) });
      const data = new TextEncoder().encode(JSON.stringify({ stream: 'muster-demo', seq: this.events.length }));
      return Promise.resolve({ data });
    },
    // oxlint-disable-next-line typescript/require-await
    status: async function* () {},
  } as unknown as NatsConnection;
}
