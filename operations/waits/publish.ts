import type { Json } from '../../domain/json.ts';
import { WaitRepository } from '../../entities/waits/wait-repository.ts';
import { text } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { defineOperation } from '../define.ts';
import { dataFault, WAIT_ENDING, waitData, waitName } from './waits-fields.ts';

/** An event, for all tasks of the tenant that wait for it. */
export interface PublishEvent {
  readonly name: string;
  /** Which one of this name: it reaches those that wait for this key, and those that wait for any. */
  readonly key?: string;
  /** Any JSON, at most 256 KB. @defaultValue null */
  readonly data?: Json;
}

/** Whom an event reached. */
export interface PublishedView {
  /** How many nodes waited for it. */
  readonly woken: number;
}

/** Reaches those that wait at this moment and is not kept: a node that begins to wait afterwards waits for the next one. */
export const publishEvent = defineOperation({
  ...WAIT_ENDING,
  name: 'events.publish',
  summary: 'Publishes an event: every node of the tenant that waits for it continues.',
  input: { name: waitName, key: text().optional(), data: waitData },
  contradiction: ({ data }: PublishEvent) => dataFault(data),
  async handle({ em, caller }, { name, key, data = null }: PublishEvent): Promise<PublishedView> {
    const event = { tenant: caller.tenant, name, key: key ?? null, data, by: actorOf(caller) };
    return { woken: await new WaitRepository(em).publish(event) };
  },
});
