import type { GraphNode } from '../../domain/graphs/definition.ts';
import { rulesOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { AttemptEnd } from '../../domain/traces/attempt.ts';
import type { AttemptSetting } from './attempt-setting.ts';

/** Evaluates a node of a pure kind: what it comes to follows from the document, so a failure would occur again. */
export async function runPure(node: GraphNode, { document, breath }: AttemptSetting): Promise<AttemptEnd> {
  await breath?.turn();
  const evaluated = rulesOf(node.kind).evaluate?.(node, document);
  if (evaluated === undefined) throw new Error(`Nodes of kind ${node.kind} are not evaluated.`);
  if (evaluated.ok) return { kind: 'ok', output: evaluated.output, outcome: evaluated.outcome ?? null };
  const { code, message } = evaluated;
  return { kind: 'failed', code, message, retryable: false, retryAfterMs: null };
}
