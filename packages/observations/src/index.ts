/** Public entry: what a node saw, and where it is kept. */
export * from './observation.ts';
export {
  isWanted,
  ObservationReader,
  type ObservationDamage,
  type ObservationReaderOptions,
} from './observation-reader.ts';
export {
  openObservationStore,
  type ObservationStore,
  type ObservationStoreOptions,
  type ObservationStoreStatus,
} from './observation-store.ts';
