/**
 * The states of a budget reservation. `held`: the call has not begun, and the amounts return when its process dies.
 * `begun`: the call may have begun. Ends: `settled` with the real amounts, `released`, or `in_doubt`: the process died
 * during the call, so the estimate stays charged until somebody knows better.
 */
export const BUDGET_RESERVATION_STATES = ['held', 'begun', 'settled', 'released', 'in_doubt'] as const;
export type BudgetReservationState = (typeof BUDGET_RESERVATION_STATES)[number];

/** Those whose amounts count as reserved, and those whose amounts count as spent. */
export const RESERVED_STATES = ['held', 'begun'] as const satisfies readonly BudgetReservationState[];
export const SPENT_STATES = ['settled', 'in_doubt'] as const satisfies readonly BudgetReservationState[];
