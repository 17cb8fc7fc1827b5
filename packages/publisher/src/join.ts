/**
 * The whole of it for a process that is one member:
 *
 *     await using member = await join({ servers: 'nats://127.0.0.1:4222', pool: 'spells', id: 'spells-1', target: '10.0.0.5:8001' });
 *
 * While it is joined, its connection keeps the process alive, as any open connection does. After `leave` nothing does.
 */
import type { MemberOptions } from './member-options.ts';
import type { Member } from './member.ts';
import { openPublisher, type PublisherOptions } from './publisher.ts';

/** As `Publisher.join`, with a publisher of its own that goes when the member leaves. */
export async function join(options: PublisherOptions & MemberOptions): Promise<Member> {
  const publisher = openPublisher(options);
  try {
    return await publisher.join(options, () => publisher.close());
  } catch (error) {
    await publisher.close();
    throw error;
  }
}
