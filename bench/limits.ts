/** So wide that nothing is refused while speed is measured. */
export const WIDE = { limit: 1_000_000, perSeconds: 60 };
/** Of users, where each has a limit of its own. */
export const MANY_KEYS = 10_000;
