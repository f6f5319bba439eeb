import type { BudgetAsk } from '../../domain/budgets/amounts.ts';
import { BudgetExhausted } from '../../domain/budgets/budget-errors.ts';
import { budgetScopesOf } from '../../domain/budgets/scopes.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { BudgetRepository } from '../../entities/budgets/budget-repository.ts';
import type { StepPlace } from '../../operations/record/model-calls.ts';
import type { RecordingUnit } from '../../operations/record/recording.ts';

/** What a model call may cost at most, before it is made. */
export interface CallReservation {
  readonly place: StepPlace;
  /** Of this very call: one that is repeated in doubt has another key, so both stay charged. */
  readonly key: string;
  readonly ask: BudgetAsk;
  readonly process: string;
}

/**
 * Reserves what a model call may cost at most from every budget above it, in the transaction that announces the call. A
 * call for which a budget has no room is not made, and the run ends.
 * @returns the key of the reservation, null where nothing above has a budget
 */
export async function reserveCall(
  { em, recorder }: RecordingUnit,
  { place, key, ask, process }: CallReservation,
): Promise<{ readonly reservation: string | null; readonly isSoft: boolean } | { readonly failure: Failure }> {
  const { execution, path } = place;
  const scopes = budgetScopesOf(execution, path);
  const asked = { key, tenant: execution.tenant, scopes, ask, process, begun: true };
  const answer = await new BudgetRepository(em).reserve(asked);
  if (answer.ok) return { reservation: answer.reserved ? key : null, isSoft: answer.soft };
  const { code, message } = new BudgetExhausted(answer);
  await recorder.modelCallFailed(place, { code, message });
  return { failure: { code, message } };
}
