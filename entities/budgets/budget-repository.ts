import type { BudgetAsk, WhenExhausted } from '../../domain/budgets/amounts.ts';
import { type BudgetExcess, excessOf, isSoftWith } from '../../domain/budgets/budget-state.ts';
import { FREE_STATES } from '../../domain/budgets/reservation-state.ts';
import { type BudgetScope, readBudgetScope } from '../../domain/budgets/scopes.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { budgetStateOf } from './budget.ts';
import { BudgetReservation } from './budget-reservation.ts';
import { moveDeadReservations, moveReservations, type ReservationMove } from './statements/move-reservations.ts';
import { type AskedReservation, type ReservedIn, reserveBudgets } from './statements/reserve.ts';
import { wakeWaiting } from './statements/wake-waiting.ts';

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
  | ({
      readonly ok: false;
      readonly whenExhausted: WhenExhausted;
      /** All budgets in which the call counts. */
      readonly scopes: readonly BudgetScope[];
    } & BudgetExcess);

/** A call that waits until budgets have room for it. */
export interface WaitingCall {
  readonly key: string;
  readonly ask: BudgetAsk;
  readonly scopes: readonly BudgetScope[];
}

/** Budgets and what is reserved of them. Every method is one statement, and may be repeated. */
export class BudgetRepository extends Repository {
  /**
   * Takes what each call may cost from every budget above it, or from none. Held: if the process dies before it begins, it
   * returns.
   * @returns null for one that nothing is known of: others of the group, or of its key, were in its way. Ask for it again
   */
  async reserve(
    tenant: TenantId,
    requests: readonly Omit<NewReservation, 'tenant'>[],
  ): Promise<readonly (ReserveAnswer | null)[]> {
    const rows = Map.groupBy(await reserveBudgets(this.em, tenant, requests.map(askedOf)), ({ ord }) => ord);
    return requests.map(({ ask }, at) => answerOf(rows.get(at + 1) ?? [], ask));
  }

  /**
   * Settles what calls did cost, in place of their estimates: also where that is more, and where a reservation had ended
   * without it. The first settlement counts. Or gives back what was reserved for a call that was not made, or not paid.
   * Needs a tenant's unit of work. @param moves one for each key
   */
  move(moves: readonly ReservationMove[]): Promise<void> {
    return moveReservations(this.em, moves);
  }

  /** Notes that a call waits until budgets have room for it. @param counted the scopes that have one */
  async wait({ key, tenant, ask, process, scopes }: NewReservation, counted: readonly BudgetScope[]): Promise<void> {
    const row = { tenantId: tenant, key, taskId: taskOf(scopes), scopes: [...counted], process, ...ask };
    await tables(this.em)
      .insertInto('budget_reservations')
      .values((eb) => ({ ...row, state: 'waiting', lookedAt: eb.fn<Date>('now') }))
      .onConflict((conflict) =>
        conflict
          .columns(['tenantId', 'key'])
          .doUpdateSet((eb) => ({ state: 'waiting', scopes: row.scopes, lookedAt: eb.fn<Date>('now') }))
          .where('budget_reservations.state', 'in', FREE_STATES),
      )
      .execute();
  }

  /** The calls of a task that wait, in the order in which they came. By budget_reservations_task_index. */
  async waitingOf(taskId: TaskId): Promise<readonly WaitingCall[]> {
    const waiting = await this.em.find(
      BudgetReservation,
      { taskId, state: 'waiting' },
      { orderBy: { createdAt: 'asc' } },
    );
    return waiting.map(({ key, scopes, tokens, costMicros, steps }) => ({
      key,
      scopes,
      ask: { tokens, costMicros, steps },
    }));
  }

  /** See `wakeWaiting`. Needs a system unit of work. */
  wake(limit: number): Promise<number> {
    return wakeWaiting(this.em, limit);
  }

  /** See `moveDeadReservations`. Needs a system unit of work. */
  endDead(limit: number): Promise<number> {
    return moveDeadReservations(this.em, limit);
  }
}

/** Nothing is taken where the statement says nothing of it, whatever the budgets look like. */
function answerOf(rows: readonly ReservedIn[], ask: BudgetAsk): ReserveAnswer | null {
  const states = rows.map(({ elapsedMs, ...row }) => budgetStateOf(row, elapsedMs));
  if (rows.length === 0) return { ok: true, soft: false, reserved: false };
  if (rows.every(({ taken }) => taken)) {
    return { ok: true, soft: states.some((state) => isSoftWith(state, ask)), reserved: true };
  }
  const full = states.find((state) => excessOf(state, ask) !== null);
  const excess = full === undefined ? null : excessOf(full, ask);
  if (full === undefined || excess === null) return null;
  return { ok: false, whenExhausted: full.whenExhausted, scopes: states.map(({ scope }) => scope), ...excess };
}

function askedOf({ key, scopes, ask, process }: Omit<NewReservation, 'tenant'>): AskedReservation {
  return { key, scopes, process, taskId: taskOf(scopes), ...ask };
}

function taskOf(scopes: readonly BudgetScope[]): TaskId | null {
  return scopes.map((scope) => readBudgetScope(scope)?.task ?? null).find((task) => task !== null) ?? null;
}
