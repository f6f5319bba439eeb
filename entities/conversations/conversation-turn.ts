import { defineEntity, p } from '@mikro-orm/core';
import type { Lineage } from '../../domain/budgets/scopes.ts';
import {
  CANCELLED_TURN_STATES,
  CONVERSATION_TURN_STATES,
  OPEN_TURN_STATES,
} from '../../domain/conversations/turn-state.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { oneOf } from '../checks.ts';
import { createdAt, moment, plainTenantId } from '../columns.ts';

const open = oneOf('state', OPEN_TURN_STATES);

const schema = defineEntity({
  name: 'ConversationTurn',
  tableName: 'conversation_turns',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    conversationId: p.text().primary(),
    /** From 1, in the order in which the inputs were appended. */
    number: p.integer().primary(),
    /** The caller's key of its input. */
    key: p.text().nullable(),
    /** The input. */
    text: p.text(),
    graphName: p.text(),
    userId: p.text().nullable(),
    state: p.enum(CONVERSATION_TURN_STATES).default('queued'),
    /** What a later input asked of it while it ran. */
    endsAs: p.enum(CANCELLED_TURN_STATES).nullable(),
    /** The task that carries it out; null before it begins. */
    taskId: p.uuid().$type<TaskId>().nullable(),
    /** The agents on whose behalf its input was appended, where an agent's tool did it. Null for most. */
    actsFor: p.array().columnType('text[]').nullable(),
    /** What its task will have above it, where a task appended the input. Null for most. */
    lineage: p.json<Lineage>().nullable(),
    reply: p.text().nullable(),
    /** Which route of its graph answered; null where none is known. */
    route: p.text().nullable(),
    error: p.json<JsonObject>().nullable(),
    createdAt: createdAt(),
    startedAt: moment().nullable(),
    endedAt: moment().nullable(),
  },
  uniques: [
    {
      name: 'conversation_turns_running_unique',
      properties: ['tenantId', 'conversationId'],
      where: "state = 'running'",
    },
    {
      name: 'conversation_turns_key_unique',
      properties: ['tenantId', 'conversationId', 'key'],
      where: '"key" is not null',
    },
    { name: 'conversation_turns_task_unique', properties: ['taskId'], where: 'task_id is not null' },
  ],
  indexes: [
    { name: 'conversation_turns_open_index', properties: ['tenantId', 'conversationId', 'number'], where: open },
  ],
  checks: [{ name: 'conversation_turns_ended_check', expression: `(ended_at is null) = (${open})` }],
});

/** An input of a conversation with its answer. */
export class ConversationTurn extends schema.class {}
schema.setClass(ConversationTurn);
