import { defineEntity, p } from '@mikro-orm/core';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { OUTBOX_TOPICS } from '../../domain/system/outbox.ts';
import { createdAt, keyOf, moment, plainTenantId } from '../columns.ts';
import { Task } from '../tasks/task.ts';

const schema = defineEntity({
  name: 'OutboxEntry',
  tableName: 'outbox',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    tenantId: plainTenantId().$type<TenantId>(),
    topic: p.enum(OUTBOX_TOPICS),
    /** Null for a submit, whose payload names its tasks. */
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>().nullable(),
    payload: p.json<JsonObject>().defaultRaw("'{}'"),
    /** How often the relay tried to hand it on. */
    attempts: p.integer().default(0),
    lastError: p.text().nullable(),
    /** Not to be tried again before; null until a first try has failed. */
    nextTryAt: moment().nullable(),
    /** When it was given up, because it was refused for good. It then counts as sent. */
    refusedAt: moment().nullable(),
    createdAt: createdAt(),
    sentAt: moment().nullable(),
  },
  indexes: [
    {
      name: 'outbox_relay_index',
      properties: ['topic', 'attempts', 'createdAt', 'id'],
      where: 'sent_at is null',
    },
    { name: 'outbox_sent_index', properties: ['sentAt'], where: 'sent_at is not null' },
  ],
});

/** What a committed transaction wants done outside the database. Written with the rows it speaks of, never alone. */
export class OutboxEntry extends schema.class {}
schema.setClass(OutboxEntry);
