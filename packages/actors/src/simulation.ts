/** Second entry, for tests: simulated time, wire and disk, which a node runs on as it runs on the real ones. */
export { SimulatedClock } from './simulated-clock.ts';
export { SimulatedDisk } from './simulated-disk.ts';
export { SimulatedWire, type WireEnd } from './simulated-wire.ts';
