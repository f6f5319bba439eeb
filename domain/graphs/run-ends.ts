import { canonicalJson } from '../json.ts';
import type { RecordedRun } from '../traces/canonical.ts';
import type { GraphNode } from './definition.ts';
import type { ContainerFault } from './kinds/kind-rules.ts';
import { performerOf } from './kinds/kind-table.ts';
import type { ReplayedRun } from './replayed.ts';

/** What a run that has failed has not. */
export const NOTHING = { outcome: null, output: null, error: null } as const;

/** Which node a run is of. */
export function subjectOf(node: GraphNode): Pick<RecordedRun, 'path' | 'kind' | 'performer'> {
  return { path: node.id, kind: node.kind, performer: performerOf(node) };
}

/** The end of a run that follows from the rules. */
export function ended(node: GraphNode, end: Pick<RecordedRun, 'output' | 'outcome'>): ReplayedRun {
  return { ...subjectOf(node), ...NOTHING, ...end, status: 'ok', by: 'rules' };
}

/** The same of one that fails. */
export function failed(
  node: GraphNode,
  { code, message, status = 'fatal_error' }: Omit<ContainerFault, 'ok'>,
): ReplayedRun {
  return { ...subjectOf(node), ...NOTHING, status, error: { code, message }, by: 'rules' };
}

/** How a run ended, as far as it follows from the rules: the sentence of an error may be another release's. */
export function endText({ status, outcome, output, error }: RecordedRun): string {
  if (status !== 'ok') return `${status} (${error?.code})`;
  return `ok (${outcome ?? canonicalJson(output)})`;
}
