import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { yesOrNo } from '../../options/fields.ts';
import { audit } from '../audit.ts';
import { defineOperation } from '../define.ts';
import { pruneAll } from './prune.ts';

export const retentionReport = defineOperation({
  name: 'retention.report',
  summary: 'Shows the retention policies and what they would remove.',
  effect: 'read',
  risk: 'read_only',
  permission: 'retention:read',
  unit: 'none',
  input: {},
  handle: ({ stores }) => pruneAll(stores.database, { dryRun: true }),
});

/**
 * Removes what the retention policies of the installation let go, in batches of a transaction each, or counts it. That it
 * was asked for is in the audit log before the first row goes. A repetition continues where an earlier call stopped; one
 * that is aborted stops between two batches.
 */
export const enforceRetention = defineOperation({
  name: 'retention.enforce',
  summary: 'Removes what the retention policies let go.',
  effect: 'destroy',
  risk: 'high_risk',
  permission: 'retention:admin',
  unit: 'none',
  input: { dryRun: yesOrNo.optional() },
  async handle(call, { dryRun = false }: { readonly dryRun?: boolean }) {
    const { stores, signal, progress } = call;
    const { database } = stores;
    const note = { action: 'retention.enforced', subjectType: 'retention', subjectId: 'all', tenant: SYSTEM_TENANT };
    if (!dryRun) {
      await database.single.inSystem('retention', ({ em }) => audit(em, call, note));
    }
    return pruneAll(database, { dryRun, ...(signal && { signal }), ...(progress && { progress }) });
  },
});
