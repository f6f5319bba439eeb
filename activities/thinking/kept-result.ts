import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../database/new-id.ts';
import type { ArtifactId } from '../../domain/ids.ts';
import { notJson, toJson } from '../../domain/json.ts';
import { trimText } from '../../domain/trim-text.ts';
import type { StoredResult } from '../../entities/thinking/tool-call.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import type { ToolCallPlace } from '../../operations/record/tool-calls.ts';
import type { BegunTool } from './begin-tool.ts';

/** The longest result that is kept. Characters of JSON. */
const MOST_CHARACTERS = 10_000_000;

/** A tool's result as the model reads it. What is cut is an artifact of the task; what is too large even for that is a fault. */
export async function keptResult(
  em: SqlEntityManager,
  { execution, path, step, index }: ToolCallPlace,
  { agent, tool }: Pick<BegunTool, 'agent' | 'tool'>,
  value: unknown,
): Promise<StoredResult> {
  const json = toJson(value ?? null);
  if (!json.ok) return { text: `The tool was called, but its result cannot be given to you: ${notJson(json)}` };
  const whole = typeof json.value === 'string' ? json.value : JSON.stringify(json.value);
  if (whole.length > MOST_CHARACTERS) {
    return {
      text: `The tool was called, but its result has ${whole.length} characters, and at most ${MOST_CHARACTERS} are kept.`,
    };
  }
  const text = trimText(whole, agent.thinking.limits.resultCharacters);
  if (text === whole) return { text };
  const artifactId = await new ArtifactRepository(em).insert({
    id: newId<ArtifactId>(),
    tenant: execution.tenant,
    taskId: execution.taskId,
    name: `${execution.traceNumber}/${path}/${step}.${index}-${tool.name}.json`,
    mediaType: 'application/json',
    content: new TextEncoder().encode(JSON.stringify(json.value)),
  });
  return { text, artifactId };
}
