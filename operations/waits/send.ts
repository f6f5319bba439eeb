import type { WaitId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { isTerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { type OpenWait, type WaitAnswer, WaitRepository } from '../../entities/waits/wait-repository.ts';
import { text } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { defineOperation } from '../define.ts';
import { TaskNotOpen } from '../operation-errors.ts';
import { requireTask } from '../tasks/read.ts';
import { tellAtOnce } from './tell-at-once.ts';
import { dataFault, WAIT_ENDING, waitData, waitName } from './waits-fields.ts';

/** A message to a task. */
export interface SendToTask {
  readonly id: string;
  /** As the `wait` of its graph names it. */
  readonly name: string;
  /** Any JSON, at most 256 KB. @defaultValue null */
  readonly data?: Json;
}

/** What became of a message to a task. */
export interface SentToTask {
  /** The wait that it ended; null where the message is kept until something waits for it. */
  readonly waitId: WaitId | null;
}

/**
 * A message that nothing waits for is kept until something does, in the order in which messages were sent, so that one may
 * come early. Each is taken by one wait. Once this has returned, it is not lost.
 */
export const sendToTask = defineOperation({
  ...WAIT_ENDING,
  name: 'tasks.send',
  summary: 'Sends a message to a task, for a node that waits for it.',
  input: { id: text(), name: waitName, data: waitData },
  contradiction: ({ data }: SendToTask) => dataFault(data),
  async handle(call, { id, name, data = null }: SendToTask): Promise<SentToTask> {
    const waits = new WaitRepository(call.em);
    const task = await requireTask(call.em, call.caller.tenant, id);
    // Its status under the lock: nobody begins to wait, and nobody else sends, until this is committed.
    const status = (await waits.lockTask(task.id)) ?? task.status;
    // The unit of work runs again where the answer to its commit was lost.
    const told = await waits.toldBy(call.id);
    if (told !== null || (await waits.isKept(call.id))) return { waitId: told?.id ?? null };
    if (isTerminalTaskStatus(status)) throw new TaskNotOpen(id, status, 'sent a message');
    const message = { name, data, by: actorOf(call.caller), callId: call.id };
    const waitId = await deliver(waits, await waits.open(task.id), message);
    if (waitId === null) await waits.keepMessage(task.id, call.caller.tenant, message);
    return { waitId };
  },
  after: (call, { waitId }, { id }) => tellAtOnce(call, id, waitId),
});

/** Ends the oldest wait for the message. @returns which; null where there is none */
async function deliver(
  waits: WaitRepository,
  open: readonly OpenWait[],
  { name, ...answer }: { readonly name: string } & WaitAnswer,
): Promise<WaitId | null> {
  for (const one of open.filter((wait) => wait.kind === 'message' && wait.name === name)) {
    const wait = await waits.lock(one);
    if (wait === null) continue;
    await waits.end(wait, answer);
    await waits.tell(one);
    return one.id;
  }
  return null;
}
