import type { EntityCollectorNode } from '../../domain/graphs/definition.ts';
import { collected, knownIn, missingOf } from '../../domain/graphs/entities.ts';
import type { Json } from '../../domain/json.ts';
import { WaitRepository } from '../../entities/waits/wait-repository.ts';
import { inputOf, type Look, type LookSetting } from './look-setting.ts';
import { beginWait, newWait, standingOf } from './wait-rows.ts';

/** Takes what its input has by name, and waits for the rest. What was answered before, in an earlier trace too, is kept. */
export async function lookAtCollector(node: EntityCollectorNode, setting: LookSetting): Promise<Look> {
  const waits = new WaitRepository(setting.unit.em);
  const known = await waits.ofRun(setting.place);
  if (known !== null) return standingOf(waits, known);
  const input = await inputOf(node, setting);
  if (!input.ok) return input.look;
  const given = knownIn(node.entities, input.value);
  if (missingOf(node.entities, given).length === 0) {
    return { kind: 'ok', output: collected(node.entities, given), outcome: null };
  }
  const wait = newWait(setting.place, 'entities', await waits.clock(), node.expiresMs);
  return beginWait(waits, { ...wait, request: { entities: node.entities as unknown as Json, given }, answer: given });
}
