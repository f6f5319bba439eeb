import { parseLimitSettings } from '../../domain/limits/limit-settings.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import { defineOperation } from '../define.ts';

/** All limits and tiers of the installation, as they are stored, over those that ship. */
export const viewLimits = defineOperation({
  name: 'limits.view',
  summary: 'Shows the rate limits and tiers of the installation.',
  effect: 'read',
  permission: 'limits:read',
  unit: 'configure',
  input: {},
  handle: async ({ em }) => parseLimitSettings(await new SettingsRepository(em).read('limits')),
});
