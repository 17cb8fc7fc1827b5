/** Who is an outlier, and when that is said: on a folded roster, and a clock that the test turns. */
import { emptyRoster, foldBatch, type RecordedEvent, type Roster } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { EjectionTally, REPORT_INTERVAL_MS, type Outlier } from './ejection-tally.ts';

const FIRST = { id: 'spells-1', target: '127.0.0.1:8001' };
const SECOND = { id: 'spells-2', target: '127.0.0.1:8002' };

describe('failures in a row', () => {
  test('as many as the policy says are an outlier', () => {
    const scene = new Scene();
    scene.fail(FIRST, 4);
    expect(scene.outliers).toEqual([]);
    scene.fail(FIRST, 1);
    expect(scene.outliers).toEqual([
      {
        pool: 'spells',
        backend: 'spells-1',
        target: '127.0.0.1:8001',
        failures: 5,
        reason: '5 failures in a row: connection refused',
      },
    ]);
  });

  test('a success between them begins anew', () => {
    const scene = new Scene();
    scene.fail(FIRST, 4);
    scene.tally.succeeded(FIRST.id);
    scene.fail(FIRST, 4);
    expect(scene.outliers).toEqual([]);
  });

  test('each backend has its own', () => {
    const scene = new Scene();
    scene.fail(FIRST, 4);
    scene.fail(SECOND, 4);
    scene.tally.succeeded(SECOND.id);
    scene.fail(FIRST, 1);
    expect(scene.outliers.map(({ backend }) => backend)).toEqual(['spells-1']);
  });

  test('a single failure that is enough is named alone', () => {
    const scene = new Scene({ ejection: { consecutiveFailures: 1 } });
    scene.tally.failed(FIRST, 'status 503');
    expect(scene.outliers).toMatchObject([{ failures: 1, reason: 'status 503' }]);
  });

  test('nobody is told where the pool ejects nobody', () => {
    const scene = new Scene({ ejection: false });
    scene.fail(FIRST, 50);
    expect(scene.outliers).toEqual([]);
  });
});

describe('reports', () => {
  test('counting begins anew after one, and another comes no sooner than the interval', () => {
    const scene = new Scene();
    scene.fail(FIRST, 14);
    expect(scene.outliers).toHaveLength(1);
    scene.nowMs += REPORT_INTERVAL_MS;
    scene.fail(FIRST, 1);
    expect(scene.outliers).toHaveLength(2);
  });

  test('one backend does not silence another', () => {
    const scene = new Scene();
    scene.fail(FIRST, 5);
    scene.fail(SECOND, 5);
    expect(scene.outliers.map(({ backend }) => backend)).toEqual(['spells-1', 'spells-2']);
  });
});

describe('who they are about', () => {
  test('failures of the target before are not held against the new one', () => {
    const scene = new Scene();
    scene.fail(FIRST, 4);
    scene.record('backend.spells.spells-1', { type: 'BackendRegistered', target: '127.0.0.1:9001' });
    scene.fail(FIRST, 10);
    scene.fail({ id: 'spells-1', target: '127.0.0.1:9001' }, 4);
    expect(scene.outliers).toEqual([]);
    scene.fail({ id: 'spells-1', target: '127.0.0.1:9001' }, 1);
    expect(scene.outliers).toMatchObject([{ target: '127.0.0.1:9001', failures: 5 }]);
  });

  test('a backend or a pool that is gone is not counted', () => {
    const scene = new Scene();
    scene.record('backend.spells.spells-1', { type: 'BackendDeregistered' });
    scene.fail(FIRST, 10);
    scene.roster = emptyRoster('test');
    scene.fail(SECOND, 10);
    expect(scene.outliers).toEqual([]);
  });

  test('nothing is counted while the backend is ejected, and it begins anew after', () => {
    const scene = new Scene();
    const seen = { target: FIRST.target, reason: 'seen by another worker' };
    scene.fail(FIRST, 4);
    scene.record('health.lb-1.spells.spells-1', { type: 'BackendEjected', ...seen });
    scene.fail(FIRST, 10);
    scene.record('health.lb-1.spells.spells-1', { type: 'BackendReinstated', ...seen });
    scene.fail(FIRST, 4);
    expect(scene.outliers).toEqual([]);
    scene.fail(FIRST, 1);
    expect(scene.outliers).toHaveLength(1);
  });

  test("another node's ejection is its own", () => {
    const scene = new Scene();
    scene.record('health.lb-2.spells.spells-1', { type: 'BackendEjected', target: FIRST.target, reason: 'elsewhere' });
    scene.fail(FIRST, 5);
    expect(scene.outliers).toHaveLength(1);
  });

  test('what was forgotten begins anew, its last report too', () => {
    const scene = new Scene();
    scene.fail(FIRST, 5);
    scene.fail(FIRST, 4);
    scene.tally.forget(FIRST.id);
    scene.fail(FIRST, 4);
    expect(scene.outliers).toHaveLength(1);
    scene.fail(FIRST, 1);
    expect(scene.outliers).toHaveLength(2);
  });
});

/** A pool of two backends on a clock that the test turns. */
class Scene {
  readonly outliers: Outlier[] = [];
  nowMs = 0;
  roster: Roster = emptyRoster('test');
  readonly tally = new EjectionTally({
    pool: 'spells',
    view: () => ({ roster: this.roster, node: 'lb-1', pending: new Map() }),
    nowMs: () => this.nowMs,
    onOutlier: (outlier) => this.outliers.push(outlier),
  });

  constructor(pool: object = {}) {
    this.record('pool.spells', { type: 'PoolDefined', ...pool });
    for (const { id, target } of [FIRST, SECOND]) {
      this.record(`backend.spells.${id}`, { type: 'BackendRegistered', target });
    }
  }

  record(entity: string, payload: object): void {
    const revision = this.roster.revision + 1;
    const event: RecordedEvent = {
      subject: `muster.test.${entity}`,
      revision,
      timeMs: revision,
      id: `event-${revision}`,
      origin: null,
      payload: JSON.stringify(payload),
    };
    const { roster, rejections } = foldBatch(this.roster, [event]);
    if (rejections.length > 0) throw new Error(rejections[0]!.message);
    this.roster = roster;
  }

  fail(backend: { id: string; target: string }, times: number): void {
    for (let time = 0; time < times; time++) this.tally.failed(backend, 'connection refused');
  }
}
