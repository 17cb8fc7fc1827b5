/** Entry for those who work with recordings and charts of the machines. A running node needs neither. */
export { CHARTED_MACHINES, MACHINES } from './machine-rehearsal.ts';
export { replayRecording, type ActorDifference, type ReplayedActor } from './replay-actor.ts';
export { stateChart } from './state-chart.ts';
