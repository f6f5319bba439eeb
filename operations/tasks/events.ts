import { isTerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import { text, wholeNumber } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { TracePruned } from '../operation-errors.ts';
import { requireTask } from './read.ts';

const EVENTS_PER_READ = 200;

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
  input: { id: text(), after: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional() },
  async handle({ em, caller }, { id, after = 0 }: { readonly id: string; readonly after?: number }) {
    const task = await requireTask(em, caller.tenant, id);
    const traces = new TraceRepository(em);
    const trace = (await traces.list(task.id)).at(-1);
    const ended = isTerminalTaskStatus(task.status);
    if (trace === undefined) {
      if (ended && task.traceCount > 0) throw new TracePruned(task, 'events');
      return { events: [], traceId: null, ended };
    }
    const events = await traces.events(trace.id, after, EVENTS_PER_READ);
    // Numbers have no gap: where the next one is missing although there was one, retention has been there.
    const isNextGone = trace.lastSeq > after && events[0]?.seq !== after + 1;
    if (isNextGone) throw new TracePruned(task, 'events');
    return { events, traceId: trace.id, ended };
  },
});
