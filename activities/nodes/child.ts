import type { ChildNode } from '../../domain/graphs/definition.ts';
import type { TaskId, WaitId } from '../../domain/ids.ts';
import { isJsonObject } from '../../domain/json.ts';
import { isTerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import type { RunWait } from '../../entities/waits/run-wait.ts';
import { type WaitAnswer, WaitRepository } from '../../entities/waits/wait-repository.ts';
import { digestOf } from '../../operations/digest-of.ts';
import { prepareChild } from '../../operations/tasks/begin-child.ts';
import { jobOf, writeTasks } from '../../operations/tasks/write-tasks.ts';
import { failedLook, inputOf, type Look, type LookSetting } from './look-setting.ts';
import { newWait } from './wait-rows.ts';

/** A parent that ends meanwhile ends before its child begins, or finds the child and cancels it. */
export function lockParent(_: ChildNode, { unit, place }: LookSetting): Promise<unknown> {
  return new WaitRepository(unit.em).lockTask(place.taskId);
}

/**
 * Runs a graph as a task of its own, whose id is that of the wait, and looks for its end. One that an earlier trace of the
 * parent began and that has completed with the same input is taken over.
 */
export async function lookAtChild(node: ChildNode, setting: LookSetting): Promise<Look> {
  const { unit, place, stores } = setting;
  const { em } = unit;
  const waits = new WaitRepository(em);
  const known = await waits.ofRun(place);
  if (known !== null) return standingOf(setting, waits, known);
  const input = await inputOf(node, setting);
  if (!input.ok) return input.look;
  const { graphName } = node;
  const ask = {
    ...newWait(place, 'child', await waits.clock(), undefined),
    ...{ name: graphName, request: { graph: graphName, input: digestOf(input.value) } },
  };
  const before = await waits.answeredBefore(ask);
  const done = before === null ? null : await new TaskRepository(em).find(childOf(before));
  if (done?.status === 'completed') {
    await waits.begin(ask);
    const begun = await waits.ofRun(place);
    if (begun !== null) await waits.end(begun, endedBy(done));
    return endOf(setting, done);
  }
  const prepared = await prepareChild(em, stores, { place, graphName, input: input.value });
  const { id } = prepared.task;
  await waits.begin({ ...ask, id: id as string as WaitId });
  const [written] = await writeTasks(em, place.tenantId, [prepared]);
  const job = written === undefined ? null : jobOf(prepared, written);
  return {
    kind: 'waits',
    id: id as string as WaitId,
    until: null,
    begun: { kind: 'child', task: id, graph: graphName },
    job,
  };
}

/** What a wait for a task comes to. */
function endedBy({ id, status }: TaskRecord): WaitAnswer {
  return { data: { task: id, status }, by: 'muster' };
}

/** The task of a wait: that of an earlier trace where it was taken over. */
function childOf({ id, answer }: RunWait): TaskId {
  const task = isJsonObject(answer) ? answer.task : null;
  return (typeof task === 'string' ? task : id) as string as TaskId;
}

async function standingOf(setting: LookSetting, waits: WaitRepository, wait: RunWait): Promise<Look> {
  const { path, id } = wait;
  const child = await new TaskRepository(setting.unit.em).find(childOf(wait));
  if (child === null) return failedLook('child_failed', `The task that ran ${path} no longer exists.`);
  if (!isTerminalTaskStatus(child.status)) return { kind: 'waits', id, until: null, begun: null };
  if (wait.state === 'waiting') await waits.end(wait, endedBy(child));
  return endOf(setting, child);
}

async function endOf({ unit, place }: LookSetting, { id, status, error, output }: TaskRecord): Promise<Look> {
  if (status !== 'completed') {
    const why = error === null ? '' : `: ${error.code}: ${error.message}`;
    return failedLook(
      'child_failed',
      `The task ${id}, which ran ${place.path}, ${status === 'failed' ? 'failed' : 'was cancelled'}${why}`,
    );
  }
  const loaded = await new ArtifactRepository(unit.em).load(new Map([['output' as const, output]]));
  return { kind: 'ok', output: loaded.get('output') ?? null, outcome: null };
}
