/** What one measurement found: the figures of a load on a proxy, and what is read from the load generator's words. */

export interface Measurement {
  /** CPU time in the load's unit, as `system`. */
  readonly user: number;
  readonly system: number;
  readonly perSecond: number;
  readonly errorCount: number;
}

/** CPU time of one measurement, user and system together. */
export function costOf({ user, system }: Measurement): number {
  return user + system;
}

/** What wrk says of requests that failed: sockets that did, and answers of 400 or more. */
export function errorCountIn(report: string): number {
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report)?.slice(1) ?? [];
  const refused = Number(/Non-2xx.*: (\d+)/.exec(report)?.[1] ?? 0);
  return errors.reduce((sum, count) => sum + Number(count), refused);
}
