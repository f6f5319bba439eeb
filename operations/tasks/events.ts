import { isTerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import { text, wholeNumber, yesOrNo } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { TracePruned } from '../operation-errors.ts';
import { requireTask } from './read.ts';

const EVENTS_PER_READ = 200;

export interface EventsInput {
  readonly id: string;
  readonly after?: number;
  /** Whether to name the model calls that have no answer yet. */
  readonly calls?: boolean;
}

/**
 * The next events of a task's newest trace, after the number of the last one that was seen.
 * @throws TaskUnknown; TracePruned where retention has removed some of them
 */
export const readEvents = defineOperation({
  name: 'tasks.events',
  summary: 'Reads the next events of the newest trace of a task.',
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'tasks:read',
  unit: 'tenant',
  input: {
    id: text(),
    after: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional(),
    calls: yesOrNo.optional(),
  },
  async handle({ em, caller }, { id, after = 0, calls = false }: EventsInput) {
    const task = await requireTask(em, caller.tenant, id);
    const traces = new TraceRepository(em);
    const trace = (await traces.list(task.id)).at(-1);
    const ended = isTerminalTaskStatus(task.status);
    if (trace === undefined) {
      if (ended && task.traceCount > 0) throw new TracePruned(task, 'events');
      return { events: [], calls: [], traceId: null, ended };
    }
    const events = await traces.events(trace.id, after, EVENTS_PER_READ);
    // Numbers have no gap: where the next one is missing although there was one, retention has been there.
    const isNextGone = trace.lastSeq > after && events[0]?.seq !== after + 1;
    if (isNextGone) throw new TracePruned(task, 'events');
    const place = { tenant: caller.tenant, traceId: trace.id };
    // After the events: a call that is open now had no end among them.
    const open = calls ? await new ThinkingRepository(em).openCalls(place) : [];
    return { events, calls: open, traceId: trace.id, ended };
  },
});
