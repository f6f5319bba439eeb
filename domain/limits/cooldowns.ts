/** How long a user waits between two uses of a command, in seconds, for the commands that ship. */
export const COOLDOWN_SECONDS: Readonly<Record<string, number>> = {
  daily: 86_400,
  work: 1_800,
  gather: 300,
  rob: 3_600,
  battle: 600,
};

/** For how long an idempotency key is remembered, in seconds. */
export const IDEMPOTENCY_SECONDS = 180;
