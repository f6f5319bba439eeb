/** What a script is made of. */
export interface ScriptParts {
  /** Files of scripts/, without their ending, in order: what several scripts share stands in a file of its own. */
  readonly files: readonly string[];
  /** How many KEYS it takes; null when the first argument of each call says so. */
  readonly keys: number | null;
}
