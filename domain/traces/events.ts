/**
 * The types of a trace's events. Within a trace `seq` grows by one without a gap; each run has exactly one
 * `run.started` (none when skipped) before exactly one of `run.completed`, `run.failed`, `run.skipped`; each trace has
 * exactly one of `trace.completed`, `trace.failed`, `trace.cancelled`, and it is the last event.
 */
export const TRACE_EVENT_TYPES = [
  'trace.started',
  'trace.paused',
  'trace.resumed',
  'trace.completed',
  'trace.failed',
  'trace.cancelled',
  'run.started',
  'run.retried',
  'run.completed',
  'run.failed',
  'run.skipped',
  'run.waits',
  'artifact.written',
  'model.answered',
  'tool.decided',
  'tool.ended',
] as const;
export type TraceEventType = (typeof TRACE_EVENT_TYPES)[number];

/** The last event of a trace has one of these types. */
const TERMINAL_TRACE_EVENTS = [
  'trace.completed',
  'trace.failed',
  'trace.cancelled',
] as const satisfies readonly TraceEventType[];

export function isTerminalTraceEvent(type: TraceEventType): boolean {
  return (TERMINAL_TRACE_EVENTS as readonly TraceEventType[]).includes(type);
}
