import type { EntityRule } from '../../domain/graphs/definition.ts';
import { type OpenWait, WaitRepository } from '../../entities/waits/wait-repository.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { requireTask } from '../tasks/read.ts';
import { missingFrom } from './asked.ts';

/** What a run waits for, besides approvals. */
export interface WaitView extends Pick<OpenWait, 'id' | 'path' | 'kind' | 'name' | 'key' | 'until' | 'createdAt'> {
  /** What a node asks for and nobody has answered. */
  readonly missing: readonly EntityRule[];
  /** What such a node knows already. */
  readonly known: OpenWait['answer'];
}

export const listWaits = defineOperation({
  name: 'tasks.waits',
  summary:
    'Lists what the nodes of a task wait for: answers, messages, events and times. Approvals have a list of their own.',
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'tasks:read',
  unit: 'tenant',
  input: { id: text() },
  async handle({ em, caller }, { id }: { readonly id: string }): Promise<readonly WaitView[]> {
    const task = await requireTask(em, caller.tenant, id);
    return (await new WaitRepository(em).open(task.id)).map(viewOf);
  },
});

function viewOf(wait: OpenWait): WaitView {
  const { id, path, kind, name, key, until, createdAt, answer: known } = wait;
  return { id, path, kind, name, key, until, createdAt, missing: missingFrom(wait), known };
}
