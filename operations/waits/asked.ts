import type { EntityRule } from '../../domain/graphs/definition.ts';
import { missingOf } from '../../domain/graphs/entities.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import type { EntityValues } from '../../domain/tasks/run-waits.ts';
import type { OpenWait } from '../../entities/waits/wait-repository.ts';

/** What the wait of an entity collector asks for; nothing for any other wait. It was written from the graph's own rules. */
export function askedBy({ request }: Pick<OpenWait, 'request'>): readonly EntityRule[] {
  return (request.entities ?? []) as unknown as readonly EntityRule[];
}

/** What it knows so far. */
export function knownTo(answer: Json): EntityValues {
  return isJsonObject(answer) ? answer : {};
}

/** What it still asks for. */
export function missingFrom(wait: Pick<OpenWait, 'request' | 'answer'>): readonly EntityRule[] {
  return missingOf(askedBy(wait), knownTo(wait.answer));
}
