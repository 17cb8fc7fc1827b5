/** Second entry, for tests: simulated time, wire, disk and world, in which a node runs as it runs in the real one. */
export { SimulatedClock } from './simulated-clock.ts';
export { SimulatedDisk } from './simulated-disk.ts';
export { SimulatedWire, WireEnd } from './simulated-wire.ts';
export { PASS, REFUSE, SimulatedWorld } from './simulated-world.ts';
