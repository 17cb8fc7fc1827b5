/**
 * The prober: watches one target for a backend, and says when its health has flipped.
 *
 *     settled ──doubted──► doubting          a finding contradicts what is thought of the target: probes come faster
 *        ▲                    │
 *        ├──── confirmed ─────┤              it was nothing
 *        └──── flipped ───────┘              enough findings in a row; the backend is told
 *
 * The probing is a callback actor of its own (`probe-round.ts`), which sends only these changes. What becomes of a flip is
 * the backend's business; a defect in a round stops this machine, and the backend decides whether to start another.
 */
import { sendParent, setup } from 'xstate';
import { probeRound, type FlippedEvent, type JudgedEvent, type ProberInput } from './probe-round.ts';

export const proberMachine = setup({
  types: {
    context: {} as ProberInput,
    input: {} as ProberInput,
    events: {} as JudgedEvent,
  },
  actors: { probeRound },
  actions: { tellBackend: sendParent((_, flipped: FlippedEvent) => flipped) },
}).createMachine({
  id: 'prober',
  context: ({ input }) => input,
  invoke: { id: 'round', src: 'probeRound', input: ({ context }) => context },
  on: { flipped: { target: '.settled', actions: { type: 'tellBackend', params: ({ event }) => event } } },
  initial: 'settled',
  states: {
    settled: { on: { doubted: 'doubting' } },
    doubting: { on: { confirmed: 'settled' } },
  },
});
