/**
 * The states of a budget reservation. `waiting`: it was asked for and there was no room; its run waits. `held`: the call has not begun, and the amounts return when its process dies.
 * `begun`: the call may have begun. Ends: `settled` with the real amounts, `released`, or `in_doubt`: the process died
 * during the call, so the estimate stays charged until somebody knows better.
 */
export const BUDGET_RESERVATION_STATES = ['waiting', 'held', 'begun', 'settled', 'released', 'in_doubt'] as const;
export type BudgetReservationState = (typeof BUDGET_RESERVATION_STATES)[number];

/** Those that hold nothing: their calls may be reserved for as if they were not there. */
export const FREE_STATES = ['waiting', 'released'] as const satisfies readonly BudgetReservationState[];

/** Those whose amounts count as reserved, and those whose amounts count as spent. */
export const RESERVED_STATES = ['held', 'begun'] as const satisfies readonly BudgetReservationState[];
export const SPENT_STATES = ['settled', 'in_doubt'] as const satisfies readonly BudgetReservationState[];
