import { errorMessage } from '../../domain/errors.ts';
import { defineOperation } from '../define.ts';
import type { StoreName } from '../stores.ts';

export interface StoreStatus {
  readonly name: StoreName;
  readonly answers: boolean;
  /** How long its answer took, in milliseconds. */
  readonly ms: number;
  /** Why it does not answer; null for one that does. */
  readonly reason: string | null;
}

/** Whether PostgreSQL, Redis and Temporal answer this program, each asked once. Never rejects for a store's sake. */
export const systemStatus = defineOperation({
  name: 'system.status',
  summary: 'Asks PostgreSQL, Redis and Temporal whether they answer.',
  effect: 'read',
  risk: 'read_only',
  permission: 'system:read',
  unit: 'none',
  input: {},
  handle: ({ stores }) =>
    Promise.all((Object.keys(stores.pings) as StoreName[]).map((name) => statusOf(name, stores.pings[name]))),
});

async function statusOf(name: StoreName, ping: () => Promise<unknown>): Promise<StoreStatus> {
  const askedAt = performance.now();
  const reason = await ping().then(
    () => null,
    (error: unknown) => errorMessage(error),
  );
  return { name, answers: reason === null, ms: Math.round(performance.now() - askedAt), reason };
}
