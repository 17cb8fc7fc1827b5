/** Probes: TCP connect and HTTP GET. Start at `probe.ts`, which says what a probe is. */

export { ANSWER_LIMITS } from './answer.ts';
export { probeTcp } from './attempt.ts';
export { probeHttp, type HttpProbeOptions, type StatusRange } from './http.ts';
export type { Probe, ProbeFailureCode, ProbeOptions, ProbeOutcome } from './probe.ts';
