/** What the verification of a sample of traces found. */
export interface VerificationReport {
  /** How many traces were compared. */
  readonly verified: number;
  /** How many of them have a gap. */
  readonly withGaps: number;
}
