/**
 * How a process can be there and get nothing done. The first two are of the process itself, and starting it again helps;
 * the others are of what it works with.
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

/** How something that goes round forever stands at one moment. */
export interface LoopPulse {
  readonly name: string;
  /**
   * How long it has owed the end of a turn, in milliseconds: since the turn under way began, or since the pause should
   * have been over. 0 while it pauses as it should, and when it is not running.
   */
  readonly overdueMs: number;
}

/** A process at one moment. All times are by a monotonic clock, in milliseconds. */
export interface ProcessVitals {
  /** The longest that the event loop kept a timer waiting lately. */
  readonly eventLoopLagMs: number;
  readonly loops: readonly LoopPulse[];
  /** The states of Temporal's worker: `RUNNING`, and `POLLING` for both of its pollers. */
  readonly temporal: { readonly run: string; readonly workflows: string; readonly activities: string };
  /** How long PostgreSQL has had work for this worker that it could take and did not; 0 where there is none. */
  readonly untakenMs: number;
  /** Tasks that only wait and hold the places for which that work waits; 0 where none do. */
  readonly heldPlaces: number;
  readonly repeating: readonly { readonly agent: string; readonly period: number }[];
}

/** Longer than anything but a handler that computes without a pause. */
export const EVENT_LOOP_LAG_MS = 5_000;
/** Longer than the longest unit of work (10 s), which a turn waits for while PostgreSQL is unavailable. */
export const LOOP_OVERDUE_MS = 12_000;
/** Ten looks of a dispatcher that nobody hints. */
export const UNTAKEN_MS = 10_000;

/** Everything that keeps a process from getting on; empty for a healthy one, whether it has work or not. */
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

/** Whether a stall is of the process itself, so that starting it again helps. */
export function isOwnStall({ kind }: Stall): boolean {
  return kind === 'event_loop_blocked' || kind === 'loop_stuck';
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
