import { defineEntity, p } from '@mikro-orm/core';
import { type BudgetLimits, WHEN_EXHAUSTED } from '../../domain/budgets/amounts.ts';
import { type BudgetState, DEFAULT_SOFT_PERCENT } from '../../domain/budgets/budget-state.ts';
import { BUDGET_SCOPE_KINDS, type BudgetScope } from '../../domain/budgets/scopes.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { within } from '../checks.ts';
import { createdAt, moment, plainTenantId } from '../columns.ts';

const LEVELS = { min: 1, max: BUDGET_SCOPE_KINDS.length };
const count = () => p.bigint('number').default(0);
const reserved = (column: string) => count().check(within(column, { min: 0 }));
const limit = () => p.bigint('number').nullable();

const schema = defineEntity({
  name: 'Budget',
  tableName: 'budgets',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    scope: p.text().$type<BudgetScope>().primary(),
    /** The order in which rows are locked: see `levelOfScope`. */
    level: p.smallint().check(within('level', LEVELS)),
    /** Of a task's scope and of its sub-graphs'. */
    taskId: p.uuid().$type<TaskId>().nullable(),
    /** Of a spawned task: the scopes of those above it. What counts here counts there too. */
    parents: p.array<BudgetScope>().columnType('text[]').defaultRaw("'{}'"),
    /** How many tasks stand above the task. */
    depth: p.integer().default(0),
    tokenLimit: limit(),
    /** In micro-units of the installation's currency, as every amount of money. */
    moneyLimit: limit(),
    stepLimit: limit(),
    timeLimitMs: limit(),
    depthLimit: p.integer().nullable(),
    fanOutLimit: p.integer().nullable(),
    softPercent: p
      .smallint()
      .default(DEFAULT_SOFT_PERCENT)
      .check(within('soft_percent', { min: 1, max: 100 })),
    /** What becomes of a run that finds no room in it. */
    whenExhausted: p.enum(WHEN_EXHAUSTED).default('end'),
    tokensSpent: count(),
    moneySpent: count(),
    stepsSpent: count(),
    tokensReserved: reserved('tokens_reserved'),
    moneyReserved: reserved('money_reserved'),
    stepsReserved: reserved('steps_reserved'),
    fanOut: p.integer().default(0),
    /** When the first reservation was taken: its wall time counts from here. */
    begunAt: moment().nullable(),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'budgets_task_index', properties: ['taskId'], where: 'task_id is not null' }],
});

export const LIMIT_COLUMNS = [
  'tokenLimit',
  'moneyLimit',
  'stepLimit',
  'timeLimitMs',
  'depthLimit',
  'fanOutLimit',
] as const;

/** The columns of a budget that say how it stands. */
export const BUDGET_STATE = [
  ...(['scope', 'depth', 'fanOut', 'softPercent', 'whenExhausted'] as const),
  ...LIMIT_COLUMNS,
  ...(['tokensSpent', 'moneySpent', 'stepsSpent', 'tokensReserved', 'moneyReserved', 'stepsReserved'] as const),
] as const;

/** The limits of a scope, and what is spent and reserved of them. A scope without limits has a row only if it is a task's. */
export class Budget extends schema.class {}
schema.setClass(Budget);

/** Limits as the columns of a row. */
export function columnsOfLimits({ tokens, money, steps, time, depth, fan_out }: BudgetLimits) {
  return {
    ...{ tokenLimit: tokens, moneyLimit: money, stepLimit: steps, timeLimitMs: time },
    ...{ depthLimit: depth, fanOutLimit: fan_out },
  };
}

/** How a row stands; `elapsedMs` is the database's word on how long ago it began, null before that. */
export function budgetStateOf(row: Pick<Budget, (typeof BUDGET_STATE)[number]>, elapsedMs: number | null): BudgetState {
  const { scope, depth, fanOut, softPercent, whenExhausted } = row;
  return {
    ...{ scope, depth, fanOut, softPercent, whenExhausted },
    limits: limitsOfRow(row),
    spent: { tokens: row.tokensSpent, costMicros: row.moneySpent, steps: row.stepsSpent },
    reserved: { tokens: row.tokensReserved, costMicros: row.moneyReserved, steps: row.stepsReserved },
    elapsedMs: Math.max(0, Math.round(elapsedMs ?? 0)),
  };
}

function limitsOfRow(row: Pick<Budget, (typeof BUDGET_STATE)[number]>): BudgetLimits {
  return {
    ...{ tokens: row.tokenLimit ?? null, money: row.moneyLimit ?? null, steps: row.stepLimit ?? null },
    ...{ time: row.timeLimitMs ?? null, depth: row.depthLimit ?? null, fan_out: row.fanOutLimit ?? null },
  };
}
