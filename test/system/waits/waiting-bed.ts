import assert from 'node:assert/strict';
import type { TaskHandle } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { ended } from '../acceptance/views.ts';
import { graphs } from './waiting-nodes.ts';

/** A worker that hosts graphs with nodes that wait, and what tests ask of their tasks. */
export class WaitingBed {
  readonly muster: MusterUnderTest;

  private constructor(muster: MusterUnderTest) {
    this.muster = muster;
  }

  static async open(title: string): Promise<WaitingBed> {
    const muster = await openMuster(title);
    await muster.work({ graphs });
    return new WaitingBed(muster);
  }

  submit(graph: string, input = {}): Promise<TaskHandle> {
    return this.muster.client.submit(graph, input);
  }

  async isStatus(task: TaskHandle, status: string): Promise<void> {
    await eventually(async () => assert.equal((await task.read()).status, status), { withinMs: 20_000 });
  }

  /** The approval that a task asks for. */
  approvalOf(task: TaskHandle) {
    return eventually(async () => {
      const [approval] = await this.muster.client.operations.approvals.list({ task: task.id });
      assert.ok(approval !== undefined);
      return approval;
    });
  }

  /** Until so many nodes of a task wait for something else. */
  async waitsFor(task: TaskHandle, count = 1): Promise<void> {
    await eventually(async () => {
      assert.equal((await this.muster.client.call('tasks.waits', { id: task.id })).length, count);
    });
  }

  /** The code with which a task fails. */
  async failed(task: TaskHandle): Promise<string | undefined> {
    return (await ended(task)).task.error?.code;
  }
}
