import type { Database } from '../../../database/transaction.ts';
import { type BudgetLimits, NO_LIMITS } from '../../../domain/budgets/amounts.ts';
import { DEFAULT_SOFT_PERCENT } from '../../../domain/budgets/budget-state.ts';
import { type BudgetScope, levelOfScope, readBudgetScope } from '../../../domain/budgets/scopes.ts';
import type { TenantId } from '../../../domain/ids.ts';
import { Budget, columnsOfLimits } from '../../../entities/budgets/budget.ts';
import { BudgetLimitRepository } from '../../../entities/budgets/budget-limit-repository.ts';
import { BudgetRepository, type NewReservation } from '../../../entities/budgets/budget-repository.ts';

export const TENANT = 'acme' as TenantId;

/** Budgets of one tenant, reached as the product reaches them: a statement a unit. */
export class BudgetBed {
  readonly database: Database;

  constructor(database: Database) {
    this.database = database;
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
    return this.#limits((budgets) => budgets.setLimits(scope, { ...NO_LIMITS, ...limits }, DEFAULT_SOFT_PERCENT));
  }

  clear(scope: BudgetScope): Promise<boolean> {
    return this.#limits((budgets) => budgets.clearLimits(scope));
  }

  reserve(request: Omit<NewReservation, 'tenant' | 'process'> & { process?: string }) {
    return this.run((budgets) => budgets.reserve({ tenant: TENANT, process: 'worker', ...request }));
  }

  run<Result>(work: (budgets: BudgetRepository) => Promise<Result>): Promise<Result> {
    return this.database.single.inTenant(TENANT, ({ em }) => work(new BudgetRepository(em)));
  }

  #limits<Result>(work: (budgets: BudgetLimitRepository) => Promise<Result>): Promise<Result> {
    return this.database.single.inTenant(TENANT, ({ em }) => work(new BudgetLimitRepository(em)));
  }
}
