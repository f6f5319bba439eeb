import { defineOperation } from '../define.ts';
import { pruneAll } from './prune.ts';

/** The retention policies of the installation, and how many rows each would let go at this moment. */
export const retentionReport = defineOperation({
  name: 'retention.report',
  summary: 'Shows the retention policies and what they would remove.',
  effect: 'read',
  permission: 'retention:read',
  unit: 'none',
  input: {},
  handle: ({ stores }) => pruneAll(stores.database, { dryRun: true }),
});
