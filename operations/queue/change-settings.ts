import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { parseQueueSettings, type QueueSettings } from '../../domain/queues/queue-settings.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import type { AuditNote, CallInUnit } from '../define.ts';

/** What every change of the queue's settings declares alike. */
export const QUEUE_CHANGE = { effect: 'write', permission: 'queue:admin', unit: 'configure', once: 'key' } as const;

/**
 * Changes the queue's settings, which count within two seconds wherever a worker runs. Only what was set is stored, so
 * that a default that changes one day counts for all else. Everything is checked before anything is written.
 * @throws SettingsInvalid
 */
export async function changeQueue(
  { em }: CallInUnit,
  change: (stored: JsonObject) => JsonObject,
): Promise<QueueSettings> {
  const stored = await new SettingsRepository(em).change('queue', (before) => {
    const changed = change(isJsonObject(before) ? before : {});
    parseQueueSettings(changed);
    return changed;
  });
  return parseQueueSettings(stored);
}

/** What the audit log says of a change of the installation's settings. */
export function settingsChanged(subjectId: 'queue' | 'limits', change: JsonObject): AuditNote {
  return { action: 'settings.changed', subjectType: 'settings', subjectId, details: change, tenant: SYSTEM_TENANT };
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The entries with one of them set, or without it. */
export function withEntry(value: Json | undefined, name: string, entry: Json): JsonObject {
  const { [name]: _before, ...others } = isJsonObject(value) ? value : {};
  return entry === null ? others : { ...others, [name]: entry };
}
