import type { Database } from '../../database/transaction.ts';
import type { SettingsCache } from '../../dispatcher/settings-cache.ts';
import { ClaimRepository } from '../../entities/tasks/claim-repository.ts';
import type { Claimant } from '../../entities/tasks/claimant.ts';

/** Asks PostgreSQL whether a task waits that this worker could take now, by the rules of the claim itself. */
export async function hasWork(database: Database, settings: SettingsCache, claimant: Claimant): Promise<boolean> {
  const current = await settings.current();
  const ready = await database.single.inSystem('inspect', ({ em }) =>
    new ClaimRepository(em).ready(claimant, current, { limit: 1 }),
  );
  return ready.length > 0;
}
