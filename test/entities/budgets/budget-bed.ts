import type { Database } from '../../../database/transaction.ts';
import { type BudgetAsk, type BudgetLimits, NO_LIMITS } from '../../../domain/budgets/amounts.ts';
import { RESERVED_STATES } from '../../../domain/budgets/reservation-state.ts';
import { type BudgetScope, levelOfScope, readBudgetScope } from '../../../domain/budgets/scopes.ts';
import type { TenantId } from '../../../domain/ids.ts';
import { Budget, columnsOfLimits } from '../../../entities/budgets/budget.ts';
import { BudgetLimitRepository } from '../../../entities/budgets/budget-limit-repository.ts';
import { BudgetRepository, type NewReservation } from '../../../entities/budgets/budget-repository.ts';
import { BudgetReservation } from '../../../entities/budgets/budget-reservation.ts';
import { Spender } from '../../../operations/budgets/spender.ts';

export const TENANT = 'acme' as TenantId;

/** What the statement that announces a call does of its reservation. */
export async function beginReservation({ single }: Database, key: string, process: string): Promise<boolean> {
  const open = { key, state: { $in: [...RESERVED_STATES] } };
  const begun = { state: 'begun', process } as const;
  return (await single.inTenant(TENANT, ({ em }) => em.nativeUpdate(BudgetReservation, open, begun))) > 0;
}

/** Budgets of one tenant, reached as the product reaches them. */
export class BudgetBed {
  readonly database: Database;
  readonly spender: Spender;

  constructor(database: Database) {
    this.database = database;
    this.spender = new Spender(database);
  }

  /** Writes a scope's budget. */
  async limit(scope: BudgetScope, limits: Partial<BudgetLimits>, more: { parents?: BudgetScope[] } = {}) {
    await this.database.inTenant(TENANT, ({ em }) =>
      em.insert(Budget, {
        ...{ tenantId: TENANT, scope, level: levelOfScope(scope), taskId: readBudgetScope(scope)?.task ?? null },
        ...columnsOfLimits({ ...NO_LIMITS, ...limits }),
        ...more,
      }),
    );
  }

  /** Replaces the limits of a scope that has a row, as people do. */
  setLimits(scope: BudgetScope, limits: Partial<BudgetLimits>): Promise<void> {
    return this.#limits((budgets) => budgets.setLimits(scope, { ...NO_LIMITS, ...limits }));
  }

  clear(scope: BudgetScope): Promise<boolean> {
    return this.#limits((budgets) => budgets.clearLimits(scope));
  }

  reserve(request: Omit<NewReservation, 'tenant' | 'process'> & { process?: string }) {
    return this.spender.reserve({ tenant: TENANT, process: 'worker', ...request });
  }

  settle(key: string, used: BudgetAsk): Promise<void> {
    return this.spender.settle(TENANT, key, used);
  }

  release(key: string): Promise<void> {
    return this.spender.release(TENANT, key);
  }

  begin(key: string, process = 'worker'): Promise<boolean> {
    return beginReservation(this.database, key, process);
  }

  run<Result>(work: (budgets: BudgetRepository) => Promise<Result>): Promise<Result> {
    return this.database.single.inTenant(TENANT, ({ em }) => work(new BudgetRepository(em)));
  }

  #limits<Result>(work: (budgets: BudgetLimitRepository) => Promise<Result>): Promise<Result> {
    return this.database.single.inTenant(TENANT, ({ em }) => work(new BudgetLimitRepository(em)));
  }
}
