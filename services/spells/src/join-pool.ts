/** The demo backend as a member of a pool: how little a service has to do for it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { openPublisher, PublisherError, type Member } from '@muster/publisher';
import type { MembershipArguments } from './arguments.ts';

/** From the drain until it ends: enough for every node to have heard of it. */
const DRAIN_MS = 500;

export interface PoolMembership {
  /** Resolves when it is safe to end: it is drained and gone, or NATS is away and its lease will run out. */
  leave(reason: string): Promise<void>;
}

/** Joins in the background, however long NATS is away; `onRefused` is told when that cannot succeed. Throws `PublisherError`. */
export function joinPool(
  membership: MembershipArguments,
  target: string,
  onRefused: (message: string) => void,
): PoolMembership {
  const { servers, cluster, pool, id, access } = membership;
  const log = (line: string): void => console.error(line);
  const publisher = openPublisher({ servers, cluster, name: `spells:${id}`, log, ...access });
  const giveUp = new AbortController();
  const joined = publisher.join({ pool, id, target, signal: giveUp.signal }).then(
    (member) => {
      void tell(member, target);
      return member;
    },
    (error: unknown) => {
      if (!(error instanceof PublisherError)) throw error;
      if (error.code !== 'aborted') onRefused(error.message);
      return null;
    },
  );
  return {
    async leave(reason) {
      giveUp.abort();
      const member = await joined;
      if (member?.state === 'registered') {
        await member.drain(reason);
        await sleep(DRAIN_MS);
      }
      await publisher.close(reason);
    },
  };
}

async function tell(member: Member, target: string): Promise<void> {
  const name = `${member.pool}/${member.id}`;
  for await (const status of member.changes()) {
    if (status.state === 'registered') console.log(`${name} is registered at ${target}`);
    if (status.state === 'removed') {
      const { origin, reason } = status;
      console.error(`${name} was removed by ${origin ?? 'somebody'}: ${reason ?? 'no reason given'}; it stays out`);
    }
  }
}
