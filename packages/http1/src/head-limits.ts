/**
 * How large a message head may be before it is refused.
 *
 * The caller holds what it received until a head is complete, so these limits are also what a connection may cost.
 */
export interface HeadLimits {
  /** Start line, fields and the empty line together, in bytes; above it 431. Default 16 KiB. */
  readonly maxHeadBytes: number;
  /** Field lines; above it 431. Default 100. */
  readonly maxFields: number;
}

export const HEAD_LIMITS: HeadLimits = { maxHeadBytes: 16_384, maxFields: 100 };
