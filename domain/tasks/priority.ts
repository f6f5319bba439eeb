/** The three bands of the job queue, first to last. */
export const PRIORITY_BANDS = ['high', 'normal', 'low'] as const;
export type PriorityBand = (typeof PRIORITY_BANDS)[number];

/** A task's priority: 1 (first) to 10 (last). */
export const PRIORITY_RANGE = { min: 1, max: 10, default: 5 } as const;

const BAND_VALUES: Record<PriorityBand, number> = { high: 2, normal: 5, low: 8 };

/** The stored priority of a submit by band name: high 2, normal 5, low 8. */
export function priorityOfBand(band: PriorityBand): number {
  return BAND_VALUES[band];
}

/** The band in which a priority waits: 1–3 high, 4–6 normal, 7–10 low. */
export function bandOfPriority(priority: number): PriorityBand {
  if (priority <= 3) return 'high';
  return priority <= 6 ? 'normal' : 'low';
}
