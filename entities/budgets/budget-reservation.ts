import { defineEntity, p } from '@mikro-orm/core';
import { BUDGET_RESERVATION_STATES, RESERVED_STATES } from '../../domain/budgets/reservation-state.ts';
import type { BudgetScope } from '../../domain/budgets/scopes.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { oneOf } from '../checks.ts';
import { createdAt, moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'BudgetReservation',
  tableName: 'budget_reservations',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    /** Of the call, whatever attempt makes it; a further call that is paid as well has another one. */
    key: p.text().primary(),
    taskId: p.uuid().$type<TaskId>().nullable(),
    /** The budgets in which it counts. A limit that is set later does not know it. */
    scopes: p.array<BudgetScope>().columnType('text[]'),
    /** The estimate; once settled, what the call cost. */
    tokens: p.bigint('number'),
    costMicros: p.bigint('number'),
    steps: p.bigint('number'),
    state: p.enum(BUDGET_RESERVATION_STATES),
    /** Who holds it: the name under which the process has its lease. */
    process: p.text(),
    createdAt: createdAt(),
    settledAt: moment().nullable(),
    /** Of a waiting one: when somebody last looked whether there is room for it. */
    lookedAt: moment().nullable(),
  },
  indexes: [
    { name: 'budget_reservations_open_index', properties: ['createdAt'], where: oneOf('state', RESERVED_STATES) },
    { name: 'budget_reservations_waiting_index', properties: ['lookedAt'], where: "state = 'waiting'" },
    { name: 'budget_reservations_task_index', properties: ['taskId'], where: 'task_id is not null' },
  ],
});

/** One call's share of the budgets above it. The sums of a budget are those of its reservations, at every moment. */
export class BudgetReservation extends schema.class {}
schema.setClass(BudgetReservation);
