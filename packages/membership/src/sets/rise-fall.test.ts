/** Rise and fall over all sequences of findings, and the bounds of the interval. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { healthPolicySchema } from '../vocabulary/health-policy.ts';
import { judge, jitteredMs, type Judgement } from './rise-fall.ts';

const policies = fc
  .record({
    rise: fc.integer({ min: 1, max: 5 }),
    fall: fc.integer({ min: 1, max: 5 }),
    jitterRatio: fc.double({ min: 0, max: 0.5, noNaN: true }),
  })
  .map((fields) => healthPolicySchema.parse({ tcp: true, ...fields }));

test('a judgement flips exactly when rise or fall findings in a row speak against it', () => {
  fc.assert(
    fc.property(policies, fc.array(fc.boolean(), { maxLength: 60 }), (policy, findings) => {
      let judgement: Judgement = { health: 'unknown', againstCount: 0 };
      const history: boolean[] = [];
      for (const hasPassed of findings) {
        const before = judgement.health;
        judgement = judge(judgement, hasPassed, policy);
        history.push(hasPassed);
        const found = hasPassed ? 'healthy' : 'unhealthy';
        const needed = before === 'unknown' ? 1 : hasPassed ? policy.rise : policy.fall;
        const isUnanimous = history.length >= needed && history.slice(-needed).every((passed) => passed === hasPassed);
        expect(judgement.health).toBe(isUnanimous ? found : before);
      }
    }),
  );
});

test('an interval stays within its jitter', () => {
  fc.assert(
    fc.property(policies, fc.double({ min: 0, max: 0.999, noNaN: true }), (policy, chance) => {
      const spread = 1 + policy.jitterRatio;
      const delayMs = jitteredMs(policy.intervalMs, policy, () => chance);
      expect(delayMs).toBeGreaterThanOrEqual(5_000 * (1 - policy.jitterRatio));
      expect(delayMs).toBeLessThanOrEqual(5_000 * spread);
    }),
  );
});
