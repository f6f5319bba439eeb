import { defineOperation } from '../define.ts';

/** Of the whole installation, and of the last hour. A way that nobody called is not listed. */
export const modelHealth = defineOperation({
  name: 'models.health',
  summary: 'Shows how the ways to models do, as workers last told it.',
  effect: 'read',
  risk: 'read_only',
  permission: 'models:read',
  unit: 'none',
  input: {},
  handle: ({ stores }) => stores.modelHealth.read(),
});
