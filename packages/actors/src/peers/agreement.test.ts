/** Whether other nodes agree, compared at revisions that both have been at; and who then builds its roster anew. */
import { emptyRoster, type Announcement, type Roster } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { Agreement } from './agreement.ts';
import { SILENT_AFTER_MS } from './hearing.ts';
import { HashHistory } from '../folded-roster.ts';
import { RebuildDecision } from './rebuild-decision.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';

/** A node's own hash at a revision in these tests. */
const hashAt = (revision: number): string => `00000000${revision.toString(16).padStart(8, '0')}`;
const WRONG = 'bad0bad0bad0bad0';

class Fixture {
  readonly clock = new SimulatedClock();
  readonly lines: string[] = [];
  readonly rebuilds: { readonly reason: string; readonly atOrBefore: number }[] = [];
  readonly folded = { roster: emptyRoster('demo'), hashes: new HashHistory() };
  readonly #ports = {
    contact: { epoch: 'epoch-1' },
    folded: this.folded,
    clock: this.clock,
    log: {
      info: (_fields: object, text: string) => this.lines.push(text),
      warn: (_fields: object, text: string) => this.lines.push(text),
      error: (_fields: object, text: string) => this.lines.push(text),
    },
  };
  readonly agreement = new Agreement(this.#ports);
  readonly decision = new RebuildDecision({
    ...this.#ports,
    agreement: this.agreement,
    rebuild: (reason, { atOrBefore }) => this.rebuilds.push({ reason, atOrBefore }),
  });

  foldTo(revision: number): void {
    for (let next = this.folded.roster.revision + 1; next <= revision; next++) {
      const roster: Roster = { ...this.folded.roster, revision: next, digest: { high: 0, low: next } };
      this.folded.roster = roster;
      this.folded.hashes.record(roster);
    }
    this.agreement.onFolded();
  }

  hear(node: string, revision: number, { hash = hashAt(revision), ...rest }: Partial<Announcement> = {}): void {
    const words = {
      node,
      instance: `${node}-1`,
      version: '1',
      epoch: 'epoch-1',
      revision,
      hash,
      lag: 0,
      snapshotRevision: 0,
    };
    this.agreement.hear({ ...words, ...rest });
  }

  /** Seconds in which each node announces what it did last. */
  async pass(seconds: number, speak: () => void): Promise<void> {
    for (let passed = 0; passed < seconds * 4; passed++) {
      if (passed % 4 === 0) speak();
      await this.clock.advance(250);
      this.agreement.check(-SILENT_AFTER_MS);
      this.decision.check();
    }
  }

  peer(node: string) {
    return this.agreement.peers().find((peer) => peer.node === node);
  }
}

describe('comparison', () => {
  test('an older announcement is compared with the hash that this node had there', () => {
    const fixture = new Fixture();
    fixture.foldTo(10);
    fixture.hear('lb-2', 7);
    expect(fixture.peer('lb-2')).toMatchObject({ agreement: 'equal', comparedRevision: 7, isHeard: true });
  });

  test('one of a revision still to come is compared when this node gets there', () => {
    const fixture = new Fixture();
    fixture.foldTo(3);
    for (const revision of [5, 6, 7, 8]) fixture.hear('lb-2', revision, revision === 5 ? { hash: WRONG } : {});
    expect(fixture.peer('lb-2')!.agreement).toBe('unknown');
    expect(fixture.agreement.isBehind).toBe(true);
    fixture.foldTo(5);
    expect(fixture.peer('lb-2')).toMatchObject({ agreement: 'differs', comparedRevision: 5 });
    // Of four the first and the newest two were kept.
    fixture.foldTo(6);
    expect(fixture.peer('lb-2')).toMatchObject({ agreement: 'differs', comparedRevision: 5 });
    fixture.foldTo(8);
    expect(fixture.peer('lb-2')).toMatchObject({ agreement: 'equal', comparedRevision: 8 });
    expect(fixture.agreement.isBehind).toBe(false);
  });

  test('a node of another history is not compared', () => {
    const fixture = new Fixture();
    fixture.foldTo(3);
    fixture.hear('lb-2', 3, { epoch: 'epoch-2', hash: WRONG });
    expect(fixture.peer('lb-2')).toMatchObject({ agreement: 'other-epoch', comparedRevision: 0 });
    expect(fixture.agreement.standing()).toEqual({ equalCount: 0, differsCount: 0 });
  });

  test('the newest revision at which all agreed is the oldest of what each was compared at', async () => {
    const fixture = new Fixture();
    fixture.foldTo(9);
    await fixture.pass(1, () => {
      fixture.hear('lb-2', 9);
      fixture.hear('lb-3', 4);
    });
    expect(fixture.agreement.agreedRevision).toBe(4);
    await fixture.pass(1, () => {
      fixture.hear('lb-2', 9);
      fixture.hear('lb-3', 8, { hash: WRONG });
    });
    expect(fixture.agreement.agreedRevision).toBe(4);
    fixture.agreement.onReplaced({ isOtherHistory: false });
    expect(fixture.agreement.agreedRevision).toBe(4);
    fixture.agreement.onReplaced({ isOtherHistory: true });
    expect(fixture.agreement.agreedRevision).toBe(0);
  });

  test('a node is silent after three announcements that did not come, and at most 1,024 are remembered', async () => {
    const fixture = new Fixture();
    fixture.hear('lb-2', 0);
    await fixture.pass(4, () => undefined);
    expect(fixture.peer('lb-2')!.isHeard).toBe(false);
    expect(fixture.lines).toContain('node lb-2 is silent');
    for (let index = 0; index < 1_024; index++) fixture.hear(`n-${index}`, 0);
    expect(fixture.agreement.peers()).toHaveLength(1_024);
    expect(fixture.peer('lb-2')).toBeUndefined();
  });
});

describe('who builds the roster anew', () => {
  test('of two that differ, each does, from where they last agreed; it is said once', async () => {
    const fixture = new Fixture();
    fixture.foldTo(5);
    await fixture.pass(1, () => fixture.hear('lb-2', 5));
    fixture.foldTo(6);
    await fixture.pass(10, () => fixture.hear('lb-2', 6, { hash: WRONG }));
    expect(fixture.rebuilds).toEqual([{ reason: 'it disagrees with another node', atOrBefore: 5 }]);
    expect(fixture.decision.isInDoubt).toBe(true);
    const said = fixture.lines.filter((line) => line.startsWith('the nodes disagree'));
    expect(said).toEqual([
      `the nodes disagree: at revision 6 this node has hash ${hashAt(6)} and node lb-2 has ${WRONG}`,
    ]);
  });

  test('of three, the odd one does', async () => {
    const fixture = new Fixture();
    fixture.foldTo(6);
    await fixture.pass(3, () => {
      fixture.hear('lb-2', 6, { hash: WRONG });
      fixture.hear('lb-3', 6, { hash: WRONG });
    });
    expect(fixture.rebuilds).toEqual([{ reason: 'it disagrees with 2 other nodes', atOrBefore: 0 }]);
  });

  test('of three, one that agrees with another does not, and is not in doubt', async () => {
    const fixture = new Fixture();
    fixture.foldTo(6);
    await fixture.pass(10, () => {
      fixture.hear('lb-2', 6, { hash: WRONG });
      fixture.hear('lb-3', 6);
    });
    expect(fixture.rebuilds).toEqual([]);
    expect(fixture.decision.isInDoubt).toBe(false);
    expect(fixture.lines.filter((line) => line.includes('most nodes agree'))).toHaveLength(1);
  });

  test('a verdict waits until the others have been heard at that revision, too', async () => {
    const fixture = new Fixture();
    fixture.foldTo(6);
    fixture.hear('lb-2', 6, { hash: WRONG });
    await fixture.pass(1, () => undefined);
    fixture.hear('lb-3', 6);
    await fixture.pass(2, () => fixture.hear('lb-2', 6, { hash: WRONG }));
    expect(fixture.rebuilds).toEqual([]);
  });

  test('a rebuild that helped is followed by agreement, and one that did not is tried again after a minute', async () => {
    const fixture = new Fixture();
    fixture.foldTo(6);
    const speak = (): void => fixture.hear('lb-2', 6, { hash: WRONG });
    await fixture.pass(50, speak);
    expect(fixture.rebuilds).toHaveLength(1);
    await fixture.pass(20, speak);
    expect(fixture.rebuilds).toHaveLength(2);
    fixture.folded.hashes.record({ revision: 6, digest: { high: 0xbad0bad0, low: 0xbad0bad0 } });
    fixture.decision.rebuilt({ isSame: false });
    fixture.agreement.onReplaced({ isOtherHistory: false });
    expect(fixture.peer('lb-2')!.agreement).toBe('equal');
    expect(fixture.decision.isInDoubt).toBe(false);
    expect(fixture.lines).toContain('this node and lb-2 agree again, at revision 6');
  });

  test('one that gave the same roster is not repeated until another node turns away', async () => {
    const fixture = new Fixture();
    fixture.foldTo(6);
    const wrong = (): void => fixture.hear('lb-2', 6, { hash: WRONG });
    await fixture.pass(3, wrong);
    fixture.decision.rebuilt({ isSame: true });
    fixture.agreement.onReplaced({ isOtherHistory: false });
    await fixture.pass(120, wrong);
    expect(fixture.rebuilds).toHaveLength(1);
    expect(fixture.decision.isInDoubt).toBe(false);
    expect(fixture.lines.filter((line) => line.includes('the others that are wrong'))).toHaveLength(1);
    await fixture.pass(1, () => fixture.hear('lb-3', 6));
    await fixture.pass(3, () => {
      wrong();
      fixture.hear('lb-3', 6, { hash: WRONG });
    });
    expect(fixture.rebuilds).toHaveLength(2);
  });

  test('nor until the others have agreed with it', async () => {
    const fixture = new Fixture();
    fixture.foldTo(6);
    await fixture.pass(3, () => fixture.hear('lb-2', 6, { hash: WRONG }));
    fixture.decision.rebuilt({ isSame: true });
    fixture.agreement.onReplaced({ isOtherHistory: false });
    await fixture.pass(60, () => fixture.hear('lb-2', 6));
    // A new process, which never was equal and so does not turn away.
    await fixture.pass(3, () => fixture.hear('lb-2', 6, { hash: WRONG, instance: 'lb-2-2' }));
    expect(fixture.rebuilds).toHaveLength(2);
  });
});
