import pTimeout from 'p-timeout';
import type { WaitId } from '../../domain/ids.ts';
import type { Call } from '../define.ts';
import { AT_ONCE_MS } from '../tasks/ask-workflow.ts';
import { readAlone } from '../tasks/read.ts';

/** Tells a workflow that a wait is over. The outbox row carries it; telling at once only saves the relay's second. */
export async function tellAtOnce(call: Call, id: string, waitId: WaitId | null): Promise<void> {
  if (waitId === null) return;
  const task = await readAlone(call, id);
  await pTimeout(call.stores.workflows.waitEnded(task, waitId), { milliseconds: AT_ONCE_MS, message: false });
}
