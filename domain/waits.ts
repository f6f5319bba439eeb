/** How waits before further tries grow. */
export interface GrowingWait {
  /** The wait before the first further try, in milliseconds. */
  readonly firstMs: number;
  /** By how much each further one is longer. @defaultValue 2 */
  readonly factor?: number;
  /** The longest wait, in milliseconds. */
  readonly mostMs: number;
}

/** The wait after so many failures in a row, in milliseconds. @param failures at least 1 */
export function growingWaitMs({ firstMs, factor = 2, mostMs }: GrowingWait, failures: number): number {
  return Math.min(mostMs, firstMs * factor ** (failures - 1));
}

/**
 * Between half and all of a wait, so that what failed together does not come back together.
 * @param chance 0 to 1
 */
export function halfToAll(waitMs: number, chance: number): number {
  return waitMs * (0.5 + chance / 2);
}
