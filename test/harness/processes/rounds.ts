/**
 * How often a fault is repeated: as the test says, or as often as `MUSTER_FAULT_ROUNDS` asks, for a long night.
 *
 *     MUSTER_FAULT_ROUNDS=10 pnpm test:fault
 */
export function rounds(usual: number): number {
  const asked = Number(process.env['MUSTER_FAULT_ROUNDS']);
  return Number.isInteger(asked) && asked > 0 ? asked : usual;
}
