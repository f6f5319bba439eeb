import { isTerminalTraceEvent, type TraceEventType } from './events.ts';

/** What the order of events depends on. `nodeId` is null for an event of the trace itself. */
export interface OrderedEvent {
  readonly seq: number;
  readonly type: TraceEventType;
  readonly nodeId: string | null;
}

const RUN_ENDS: readonly TraceEventType[] = ['run.completed', 'run.failed', 'run.skipped'];

/**
 * Checks the complete event log of an ended trace, in the order in which it was read, against the promises of
 * {@link TRACE_EVENT_TYPES}. Returns one sentence for each broken promise; none means that the log can be trusted.
 * O(events × nodes).
 */
export function eventOrderFaults(events: readonly OrderedEvent[]): readonly string[] {
  const nodes = new Set(events.map((event) => event.nodeId).filter((id) => id !== null));
  return [
    ...sequenceFaults(events),
    ...traceFaults(events),
    ...[...nodes].flatMap((id) =>
      runFaults(
        id,
        events.filter(({ nodeId }) => nodeId === id).map(({ type }) => type),
      ),
    ),
  ];
}

function sequenceFaults(events: readonly OrderedEvent[]): readonly string[] {
  return events.flatMap(({ seq }, index) => {
    const expected = (events[index - 1]?.seq ?? seq - 1) + 1;
    return seq === expected ? [] : [`Expected event ${expected} next, found ${seq}.`];
  });
}

function traceFaults(events: readonly OrderedEvent[]): readonly string[] {
  const types = events.map((event) => event.type);
  const faults: string[] = [];
  if (types.indexOf('trace.started') !== 0) faults.push('Expected "trace.started" as the first event.');
  if (types.lastIndexOf('trace.started') > 0) faults.push('Expected "trace.started" once, found it again.');
  const ends = types.filter(isTerminalTraceEvent).length;
  if (ends !== 1) faults.push(`Expected exactly one end of the trace, found ${ends}.`);
  const last = types.at(-1);
  if (last === undefined || !isTerminalTraceEvent(last))
    faults.push('Expected the end of the trace as the last event.');
  return faults;
}

function runFaults(id: string, all: readonly TraceEventType[]): readonly string[] {
  const types = all.filter((type) => type.startsWith('run.'));
  if (types.length === 0) return [];
  const starts = types.filter((type) => type === 'run.started').length;
  const ends = types.filter((type) => RUN_ENDS.includes(type)).length;
  const faults: string[] = [];
  if (ends !== 1) faults.push(`Expected exactly one end of "${id}", found ${ends}.`);
  const wanted = types.includes('run.skipped') ? 0 : 1;
  if (starts !== wanted) faults.push(`Expected "${id}" to start ${wanted} times, found ${starts}.`);
  if (wanted === 1 && types[0] !== 'run.started') faults.push(`Expected "${id}" to start first, found "${types[0]}".`);
  if (ends > 0 && !RUN_ENDS.includes(types.at(-1) ?? 'run.started'))
    faults.push(`Expected nothing of "${id}" after its end.`);
  return faults;
}
