import { gcra, type RateLimit, slidingLog } from './rate-limit.ts';

/**
 * The limits that ship, each for one user of one tenant. Whole-window figures for up to 60 calls are sliding logs, exact
 * wherever the window begins; larger ones are spread evenly.
 */
export const DEFAULT_LIMITS: Readonly<Record<string, RateLimit>> = {
  'endpoint:*': slidingLog({ limit: 60, perSeconds: 60 }),
  'endpoint:auth': slidingLog({ limit: 5, perSeconds: 60 }),
  'endpoint:backup': slidingLog({ limit: 10, perSeconds: 3_600 }),
  'endpoint:memory_search': slidingLog({ limit: 30, perSeconds: 60 }),
  'endpoint:agent_action': gcra({ limit: 100, perSeconds: 60 }),
  'endpoint:websocket': gcra({ limit: 1_000, perSeconds: 60 }),
  'endpoint:mod': slidingLog({ limit: 3, perSeconds: 30 }),
  'endpoint:admin': slidingLog({ limit: 5, perSeconds: 60 }),
  'endpoint:music': slidingLog({ limit: 10, perSeconds: 15 }),
  'endpoint:assistant': slidingLog({ limit: 3, perSeconds: 30 }),
  'endpoint:fun': slidingLog({ limit: 12, perSeconds: 10 }),
  'endpoint:core': slidingLog({ limit: 12, perSeconds: 10 }),
  'endpoint:economy': slidingLog({ limit: 8, perSeconds: 15 }),
  'endpoint:tools': slidingLog({ limit: 8, perSeconds: 15 }),
  'endpoint:community': slidingLog({ limit: 10, perSeconds: 15 }),
  'endpoint:sensitive': slidingLog({ limit: 3, perSeconds: 300, blockSeconds: 3_600 }),
  'endpoint:api': gcra({ limit: 100, perSeconds: 60, blockSeconds: 300 }),
  // The next three count per channel, or per user in a channel for the wake word: pass that as the user.
  'endpoint:reply': slidingLog({ limit: 5, perSeconds: 10 }),
  'endpoint:wake_word': slidingLog({ limit: 1, perSeconds: 10 }),
  'endpoint:wake_word_channel': slidingLog({ limit: 6, perSeconds: 60 }),
};

/** The factor by which a tier multiplies the limits of its users and tenants. */
export const DEFAULT_TIERS: Readonly<Record<string, number>> = { free: 1, pro: 2, enterprise: 10 };

/** The tier of tenants and users without one. */
export const DEFAULT_TIER = 'free';

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
