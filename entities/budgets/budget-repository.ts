import type { BudgetAsk } from '../../domain/budgets/amounts.ts';
import { type BudgetExcess, excessOf, isSoft, withReserved } from '../../domain/budgets/budget-state.ts';
import { RESERVED_STATES } from '../../domain/budgets/reservation-state.ts';
import { type BudgetScope, readBudgetScope } from '../../domain/budgets/scopes.ts';
import type { TenantId } from '../../domain/ids.ts';
import { Repository } from '../repository.ts';
import { budgetStateOf } from './budget.ts';
import { BudgetReservation } from './budget-reservation.ts';
import { moveDeadReservations, moveReservation } from './statements/move-reservations.ts';
import { type AskedReservation, reserveBudgets } from './statements/reserve.ts';

/** A request to reserve what a call may cost at most. */
export interface NewReservation {
  /** Of the call: a repetition under the same key reserves nothing more. */
  readonly key: string;
  readonly tenant: TenantId;
  /** Outermost first, see `budgetScopesOf`. */
  readonly scopes: readonly BudgetScope[];
  readonly ask: BudgetAsk;
  /** The name under which the process has its lease: when that ends, the reservation ends too. */
  readonly process: string;
  /**
   * Whether the call may begin as soon as this unit of work commits. If the process dies then, the estimate stays charged.
   * @defaultValue false: it returns, and `begin` is to be called before the call
   */
  readonly begun?: boolean;
}

/** The answer to a reservation. */
export type ReserveAnswer =
  | {
      readonly ok: true;
      /** Whether the soft threshold of one of the budgets is reached: the model should come to its end. */
      readonly soft: boolean;
      /** False where nothing above the call has a budget: then nothing was written. */
      readonly reserved: boolean;
    }
  | ({ readonly ok: false } & BudgetExcess);

/** Budgets and what is reserved of them. Every method is one statement, and may be repeated. */
export class BudgetRepository extends Repository {
  /** Takes what a call may cost from every budget above it, or from none. */
  async reserve({ tenant, ...request }: NewReservation): Promise<ReserveAnswer> {
    const rows = await reserveBudgets(this.em, tenant, [askedOf(request)]);
    if (rows.length === 0) return { ok: true, soft: false, reserved: false };
    const states = rows.map(({ elapsedMs, ...row }) => budgetStateOf(row, elapsedMs));
    const isTaken = rows.every(({ taken }) => taken);
    const [excess] = isTaken ? [] : states.flatMap((state) => excessOf(state, request.ask) ?? []);
    if (excess !== undefined) return { ok: false, ...excess };
    return { ok: true, soft: states.some((state) => isSoft(withReserved(state, request.ask))), reserved: true };
  }

  /**
   * Says that the call of a held reservation is about to be made: from now on a death leaves it charged. Needs a tenant's
   * unit of work, as do the next two.
   * @returns false where it is not reserved any more
   */
  async begin(key: string): Promise<boolean> {
    const open = { key, state: { $in: [...RESERVED_STATES] } };
    return (await this.em.nativeUpdate(BudgetReservation, open, { state: 'begun' })) > 0;
  }

  /**
   * Charges what a call did cost, in place of its estimate: also where that is more, and where the reservation had ended
   * without it. The first settlement counts.
   */
  async settle(key: string, used: BudgetAsk): Promise<void> {
    await moveReservation(this.em, { key, state: 'settled', ...used });
  }

  /** Gives back what a call was reserved that was not made, or not paid. What was settled stays. */
  async release(key: string): Promise<void> {
    await moveReservation(this.em, { key, state: 'released', tokens: null, costMicros: null, steps: null });
  }

  /** See `moveDeadReservations`. Needs a system unit of work. */
  endDead(limit: number): Promise<number> {
    return moveDeadReservations(this.em, limit);
  }
}

function askedOf({ key, scopes, ask, process, begun = false }: Omit<NewReservation, 'tenant'>): AskedReservation {
  const tasks = scopes.flatMap((scope) => readBudgetScope(scope)?.task ?? []);
  return { key, scopes, process, taskId: tasks[0] ?? null, ...ask, state: begun ? 'begun' : 'held' };
}
