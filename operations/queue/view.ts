import { yesOrNo } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { readQueue } from './read-queue.ts';

/** What waits, what runs and what holds it up: of the caller's tenant, or of all tenants. */
export const viewQueue = defineOperation({
  name: 'queue.view',
  summary: 'Shows what waits, what runs and what holds it up.',
  effect: 'read',
  permission: 'queue:read',
  unit: 'none',
  input: { allTenants: yesOrNo.optional() },
  handle: (call, { allTenants = false }: { readonly allTenants?: boolean }) => readQueue(call, { allTenants }),
});
