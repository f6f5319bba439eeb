import type { ConditionNode } from '../../domain/graphs/definition.ts';
import { evaluateCondition } from '../../domain/graphs/read-source.ts';
import type { AttemptEnd } from '../../domain/traces/attempt.ts';
import type { AttemptSetting } from './attempt-setting.ts';

/** Decides which branch is taken. */
export async function runCondition({ condition }: ConditionNode, { document }: AttemptSetting): Promise<AttemptEnd> {
  const outcome = evaluateCondition(condition, document) ? 'true' : 'false';
  return { kind: 'ok', output: outcome === 'true', outcome };
}
