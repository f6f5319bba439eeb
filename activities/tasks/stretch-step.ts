import type { GraphNode } from '../../domain/graphs/definition.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import type { Step } from '../../domain/graphs/run-state.ts';
import { nodeOfRun } from '../../domain/graphs/scope.ts';
import { NOTHING_COUNTED, verdictOn } from '../../domain/traces/attempt.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { NewTraceEvent } from '../../operations/record/notes.ts';
import { rulesOf } from '../nodes/attempt-setting.ts';
import { countCalls } from '../nodes/bound-tool.ts';
import { carryContainer } from '../nodes/container.ts';
import { runAttempt } from '../nodes/run-attempt.ts';
import { unreadable } from './load-document.ts';
import type { JudgedAttempt } from './stretch.ts';
import { readDocument, type StretchActivity } from './stretch-activity.ts';

/** Carries one step of a stretch out, and notes in the stretch what came of it. Nothing is written. */
export function carryOut(activity: StretchActivity, step: Step): Promise<void> {
  if (step.phase === 'run') return runStep(activity, step);
  return step.phase === 'count' ? countCalls(activity, step) : carryContainer(activity, step);
}

/** What a node needs that cannot be read makes it an activity of its own, which fails with the reason. */
async function runStep(activity: StretchActivity, { path }: Step): Promise<void> {
  const { stretch } = activity;
  const node = nodeOfRun(stretch.definition, path);
  const document = await readDocument(activity, node).catch(unreadable);
  if (document instanceof StoredRowInvalid) stretch.unhosted.add(path);
  else stretch.take(node, await attemptNode(activity, node, document));
}

/** Runs a quick node once, and judges how that ended. */
async function attemptNode(
  { deps, execution, hasDeadline, breath, cancellation }: StretchActivity,
  node: GraphNode,
  document: GraphDocument,
): Promise<JudgedAttempt> {
  const startedAt = new Date();
  const events: NewTraceEvent[] = [{ type: 'run.started', nodeId: node.id, data: { attempt: 1 }, at: startedAt }];
  const scope = {
    ...{ execution, attempt: 1, heartbeat: () => {} },
    note: (event: NewTraceEvent) => void events.push(event),
  };
  const end = await runAttempt(node, { deps, scope, document, breath, cancellation });
  if (end.kind === 'stopped') throw new Error('The stretch was interrupted before it was written.');
  const rules = { ...rulesOf(deps, node, hasDeadline), chance: Math.random() };
  return { verdict: verdictOn(end, NOTHING_COUNTED, rules), startedAt, events };
}
