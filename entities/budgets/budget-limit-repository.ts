import { type BudgetLimits, NO_LIMITS, type WhenExhausted } from '../../domain/budgets/amounts.ts';
import { type BudgetState, DEFAULT_SOFT_PERCENT } from '../../domain/budgets/budget-state.ts';
import {
  type BudgetScope,
  conversationScope,
  type Lineage,
  levelOfScope,
  readBudgetScope,
  taskScope,
  userScope,
} from '../../domain/budgets/scopes.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { secondsSince } from '../agents/agent-expressions.ts';
import { anyOf, literal, now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { BUDGET_STATE, Budget, budgetStateOf, columnsOfLimits, LIMIT_COLUMNS } from './budget.ts';

/** How a budget treats what comes near its limits, or beyond. */
export type BudgetManner = Partial<Pick<BudgetState, 'softPercent' | 'whenExhausted'>>;

/** Which budgets to list. */
export interface BudgetList {
  /** @defaultValue all */
  readonly scopes?: readonly BudgetScope[];
  readonly first?: readonly BudgetScope[];
  readonly limit: number;
}

/** The budget of a new task. */
export interface NewTaskBudget extends Lineage {
  readonly taskId: TaskId;
  readonly limits: BudgetLimits;
  readonly whenExhausted: WhenExhausted;
}

/** Budgets as they are set and looked at. Every method is one statement. The time of a task stands still once it has ended. */
export class BudgetLimitRepository extends Repository {
  /**
   * The budgets of the unit's tenant that have limits, of all scopes or of these: those named `first`, then the outermost
   * and the newest.
   */
  async list({ scopes, first = [], limit }: BudgetList): Promise<readonly BudgetState[]> {
    const rows = await this.#states(scopes)
      .where((eb) => eb.or(LIMIT_COLUMNS.map((name) => eb(`b.${name}`, 'is not', null))))
      .orderBy((eb) => eb('b.scope', '=', anyOf(first)), 'desc')
      .orderBy('b.level')
      .orderBy('b.createdAt', 'desc')
      .orderBy('b.scope')
      .limit(limit)
      .execute();
    return rows.map(stateOf);
  }

  /** How these scopes stand, locked until the unit of work ends, in the order in which every writer locks them. */
  async lock(scopes: readonly BudgetScope[]): Promise<readonly BudgetState[]> {
    const rows = await this.#states(scopes).orderBy('b.level').orderBy('b.scope').forUpdate().execute();
    return rows.map(stateOf);
  }

  #states(scopes: readonly BudgetScope[] | undefined) {
    return tables(this.em)
      .selectFrom('budgets as b')
      .select(BUDGET_STATE.map((name) => `b.${name}` as const))
      .select((eb) => {
        const ended = eb.selectFrom('tasks as t').select('t.completedAt').whereRef('t.id', '=', 'b.taskId');
        return secondsSince(eb.ref('b.begunAt'), eb.fn.coalesce(ended, now())).as('elapsed');
      })
      .$if(scopes !== undefined, (query) => query.where('b.scope', 'in', scopes ?? []));
  }

  /** Makes sure that a scope has a row. What is there stays. */
  async ensure(tenantId: TenantId, scope: BudgetScope): Promise<void> {
    const row = { tenantId, scope, level: levelOfScope(scope), taskId: readBudgetScope(scope)?.task ?? null };
    await this.em.createQueryBuilder(Budget).insert(row).onConflict().ignore().execute();
  }

  /** Replaces a scope's limits, and what is given of the rest. */
  async setLimits(scope: BudgetScope, limits: BudgetLimits, rest: BudgetManner = {}): Promise<void> {
    await this.em.nativeUpdate(Budget, { scope }, { ...columnsOfLimits(limits), ...rest });
  }

  /**
   * Clears a scope's limits. Its sums stay: they are those of its reservations, which calls under way will still settle.
   * Wall time counts anew from the next limits on.
   * @returns false where there were no limits
   */
  async clearLimits(scope: BudgetScope): Promise<boolean> {
    const none = columnsOfLimits(NO_LIMITS);
    const isLimited = { $or: LIMIT_COLUMNS.map((name) => ({ [name]: { $ne: null } })) };
    const cleared = { ...none, softPercent: DEFAULT_SOFT_PERCENT, whenExhausted: 'end' as const, begunAt: null };
    return (await this.em.nativeUpdate(Budget, { scope, ...isLimited }, cleared)) > 0;
  }

  /** What a task that this one spawns has above it. */
  async lineageBelow(parent: TaskId): Promise<Lineage> {
    const found = await tables(this.em)
      .selectFrom('tasks as t')
      .leftJoin('budgets as b', (join) =>
        join.onRef('b.tenantId', '=', 't.tenantId').on('b.scope', '=', taskScope(parent)),
      )
      .select(['t.userId', 't.conversation', 'b.parents', 'b.depth'])
      .where('t.id', '=', parent)
      .executeTakeFirst();
    const { userId: user = null, conversation = null } = found ?? {};
    const scopes = [
      ...(found?.parents ?? []),
      ...(user === null ? [] : [userScope(user)]),
      ...(conversation === null ? [] : [conversationScope(conversation)]),
      taskScope(parent),
    ];
    return { scopes: [...new Set(scopes)], depth: (found?.depth ?? 0) + 1 };
  }

  /** Counts tasks that were spawned below scopes. */
  async addFanOut(scopes: readonly BudgetScope[], count: number): Promise<void> {
    await tables(this.em)
      .updateTable('budgets')
      .set((eb) => ({ fanOut: eb('fanOut', '+', count) }))
      .where('scope', 'in', scopes)
      .execute();
  }

  /** Writes the budgets of new tasks. */
  async insertForTasks(tenantId: TenantId, budgets: readonly NewTaskBudget[]): Promise<void> {
    const rows = budgets.map(({ taskId, scopes, depth, limits, whenExhausted }) => {
      const scope = taskScope(taskId);
      return {
        tenantId,
        scope,
        level: levelOfScope(scope),
        taskId,
        parents: [...scopes],
        depth,
        whenExhausted,
        ...columnsOfLimits(limits),
      };
    });
    await this.em.insertMany(Budget, rows);
  }

  /** Tasks of which calls wait for room in a scope. By budget_reservations_waiting_index. */
  async waitingFor(scope: BudgetScope, limit: number): Promise<TaskId[]> {
    const rows = await tables(this.em)
      .selectFrom('budget_reservations')
      .select('taskId')
      .distinct()
      .where('state', '=', literal('waiting'))
      .where((eb) => eb(eb.val(scope), '=', eb.fn.any('scopes')))
      .where('taskId', 'is not', null)
      .limit(limit)
      .execute();
    return rows.flatMap(({ taskId }) => taskId ?? []);
  }

  /** How many calls wait for room, by the scopes in which they count. By budget_reservations_waiting_index. */
  async waitingCounts(): Promise<ReadonlyMap<BudgetScope, number>> {
    const rows = await tables(this.em)
      .selectFrom((eb) =>
        eb
          .selectFrom('budget_reservations')
          .select((row) => row.fn<BudgetScope>('unnest', ['scopes']).as('scope'))
          .where('state', '=', literal('waiting'))
          .as('w'),
      )
      .select((eb) => ['w.scope', eb.fn.countAll<string>().as('count')])
      .groupBy('w.scope')
      .execute();
    return new Map(rows.map(({ scope, count }) => [scope, Number(count)]));
  }
}

type StateRow = Parameters<typeof budgetStateOf>[0] & { readonly elapsed: number | null };

function stateOf({ elapsed, ...row }: StateRow): BudgetState {
  return budgetStateOf(row, elapsed === null ? null : 1_000 * elapsed);
}
