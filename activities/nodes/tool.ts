import type { ToolNode } from '../../domain/graphs/definition.ts';
import type { AttemptEnd } from '../../domain/traces/attempt.ts';
import type { AttemptSetting } from './attempt-setting.ts';
import { handlerOutput } from './handler-output.ts';

/** Calls the tool's code. */
export async function runTool(node: ToolNode, setting: AttemptSetting): Promise<AttemptEnd> {
  return { kind: 'ok', output: await handlerOutput(node, setting, null), outcome: null };
}
