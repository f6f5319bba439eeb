import type { WaitNode } from '../../domain/graphs/definition.ts';
import { timeFault, timeOf } from '../../domain/graphs/kinds/wait.ts';
import { nameOf } from '../../domain/graphs/read-unknown.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import { type NewWait, WaitRepository } from '../../entities/waits/wait-repository.ts';
import { failedLook, inputOf, type Look, type LookSetting } from './look-setting.ts';
import { beginWait, newWait, standingOf } from './wait-rows.ts';

/** Nobody sends a message between a look for one and the wait for it. */
export async function lockForMessage(node: WaitNode, { unit, place }: LookSetting): Promise<void> {
  if (node.for === 'message') await new WaitRepository(unit.em).lockTask(place.taskId);
}

/** Waits for a message, an event or a time. */
export async function lookAtWait(node: WaitNode, setting: LookSetting): Promise<Look> {
  const waits = new WaitRepository(setting.unit.em);
  const known = await waits.ofRun(setting.place);
  if (known !== null) return standingOf(waits, known);
  const input = await inputOf(node, setting);
  if (!input.ok) return input.look;
  const wait = waitOf(node, setting, { input: input.value, now: await waits.clock() });
  if (typeof wait === 'string') return failedLook('wait_unusable', wait);
  return beginWait(waits, wait);
}

/** What a node begins to wait for, or why it cannot, as a sentence. */
function waitOf(
  node: WaitNode,
  { place }: LookSetting,
  { input, now }: { readonly input: Json; readonly now: Date },
): NewWait | string {
  const { for: kind, name = null, expiresMs } = node;
  const given = isJsonObject(input) ? input : {};
  const wait = { ...newWait(place, kind, now, expiresMs), name };
  if (kind === 'time') {
    const fault = timeFault(given);
    return fault ?? { ...wait, until: new Date(timeOf(given, now.getTime())), request: given };
  }
  const { key = null } = given;
  if (key === null || typeof key === 'string') return { ...wait, key };
  return `Expected a text as the key of the event "${name}", found ${nameOf(key)}.`;
}
