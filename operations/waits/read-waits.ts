import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { questionFor } from '../../domain/graphs/entities.ts';
import type { TaskId } from '../../domain/ids.ts';
import { type Cause, cause } from '../../domain/tasks/cause.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { type ApprovalRecord, ApprovalRepository } from '../../entities/tools/approval-repository.ts';
import { type OpenWait, WaitRepository } from '../../entities/waits/wait-repository.ts';
import { readBudgetWaits } from '../budgets/waits.ts';
import { missingFrom } from './asked.ts';

/** So many calls are named that wait for a person. */
const MAX_ASKED = 10;

/** What the runs of a task wait for: people, messages, events, times, budgets. */
export async function readWaits(em: SqlEntityManager, { tenant, id: task }: TaskRecord): Promise<readonly Cause[]> {
  const approvals = await new ApprovalRepository(em).list({ tenant, task, all: false }, MAX_ASKED);
  const waits = await new WaitRepository(em).open(task);
  return [...approvals.map(approvalCause), ...waits.map(waitCause), ...(await readBudgetWaits(em, task))];
}

function approvalCause({ id, agent, tool, request, path, expiresAt: until }: ApprovalRecord): Cause {
  const what = tool === null ? request.reason : `${agent} wants to call ${tool}`;
  return cause('approval', `a person: ${what} (approval ${id})`, { path, until });
}

function waitCause(wait: OpenWait): Cause {
  const { kind, name, key, path, until } = wait;
  switch (kind) {
    case 'message':
      return cause('message', `the message "${name}"`, { path, until });
    case 'event':
      return cause('event', `the event "${name}"${key === null ? '' : ` of "${key}"`}`, { path, until });
    case 'time':
      return cause('time', 'its time', { path, until });
    case 'child':
      return cause('child', `the task that runs ${name}`, { path, tasks: [wait.id as string as TaskId] });
    case 'entities':
      return cause('input', `an answer: ${questionFor(missingFrom(wait))}`, { path, until });
  }
}
