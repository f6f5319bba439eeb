/**
 * How a process can be alive and make no progress. The first two are faults of the process itself, and restarting it
 * helps; the others are faults of its services.
 */
export const STALL_KINDS = [
  'event_loop_blocked',
  'loop_stuck',
  'worker_not_polling',
  'work_not_taken',
  'places_held',
  'agent_repeats',
] as const;
export type StallKind = (typeof STALL_KINDS)[number];

export interface Stall {
  readonly kind: StallKind;
  /** One sentence for people. */
  readonly detail: string;
}

/** The state of a loop at one moment. */
export interface LoopPulse {
  readonly name: string;
  /**
   * How long its turn is overdue, in milliseconds: since the current turn began, or since its pause should have ended.
   * 0 during a regular pause, and when it is not running.
   */
  readonly overdueMs: number;
}

/** The state of a process at one moment. All times are from a monotonic clock, in milliseconds. */
export interface ProcessVitals {
  /** The longest recent delay of a timer by the event loop. */
  readonly eventLoopLagMs: number;
  readonly loops: readonly LoopPulse[];
  /** The states of Temporal's worker: `RUNNING`, and `POLLING` for both of its pollers. */
  readonly temporal: { readonly run: string; readonly workflows: string; readonly activities: string };
  /** How long PostgreSQL has had work that this worker could take and did not; 0 if there is none. */
  readonly untakenMs: number;
  /** Waiting tasks that occupy the places for which that work waits. */
  readonly heldPlaces: number;
  readonly repeating: readonly { readonly agent: string; readonly period: number }[];
}

/** Only a handler that computes without a pause takes longer. */
export const EVENT_LOOP_LAG_MS = 5_000;
/** Longer than the longest unit of work (10 s), which a turn waits for while PostgreSQL is unavailable. */
export const LOOP_OVERDUE_MS = 12_000;
/** Ten polls of a dispatcher that gets no hints. */
export const UNTAKEN_MS = 10_000;

/** The stalls of a process; empty for a healthy one, with or without work. */
export function stallsOf(vitals: ProcessVitals): readonly Stall[] {
  const { eventLoopLagMs, loops, temporal, untakenMs, heldPlaces, repeating } = vitals;
  const stalls: Stall[] = [];
  if (eventLoopLagMs > EVENT_LOOP_LAG_MS) {
    stalls.push({ kind: 'event_loop_blocked', detail: `timers waited for ${seconds(eventLoopLagMs)}` });
  }
  for (const { name, overdueMs } of loops) {
    if (overdueMs <= LOOP_OVERDUE_MS) continue;
    stalls.push({ kind: 'loop_stuck', detail: `the ${name} has not ended a turn for ${seconds(overdueMs)}` });
  }
  const states = Object.values(temporal);
  if (temporal.run !== 'RUNNING' || temporal.workflows !== 'POLLING' || temporal.activities !== 'POLLING') {
    stalls.push({ kind: 'worker_not_polling', detail: `Temporal's worker is ${states.join(', ')}` });
  }
  if (untakenMs > UNTAKEN_MS) {
    const ready = `work has been ready for ${seconds(untakenMs)} and was not taken`;
    stalls.push(
      heldPlaces === 0
        ? { kind: 'work_not_taken', detail: ready }
        : { kind: 'places_held', detail: `${ready}: ${heldPlaces} places are held by tasks that wait` },
    );
  }
  for (const { agent, period } of repeating) {
    stalls.push({ kind: 'agent_repeats', detail: `${agent} repeats the same ${period} actions` });
  }
  return stalls;
}

/** Whether a stall is a fault of the process itself, so that restarting it helps. */
export function isOwnStall({ kind }: Stall): boolean {
  return kind === 'event_loop_blocked' || kind === 'loop_stuck';
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
