import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { turnEnd } from '../../domain/conversations/turn-end.ts';
import type { TaskId } from '../../domain/ids.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import type { ConversationKey } from '../../entities/conversations/conversation-repository.ts';
import {
  ConversationTurnRepository,
  type EndedTurn,
} from '../../entities/conversations/conversation-turn-repository.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';

/** Writes the end of a conversation's turn whose task has ended. The conversation is locked. */
export async function settleTurn(em: SqlEntityManager, key: ConversationKey, taskId: TaskId | null): Promise<void> {
  const turns = new ConversationTurnRepository(em);
  for (const turn of await turns.ended(key, taskId)) {
    const values = await new ArtifactRepository(em).load(new Map([['output', turn.output]]), { missing: 'null' });
    const partial = await partialOf(em, turn);
    await turns.end(key, turn.number, turnEnd({ ...turn, output: values.get('output') ?? null, partial }));
  }
}

/**
 * What there was of the reply when its task was cancelled: the newest `reply` that one of its runs returned, or else what
 * a model said last in a run that had not ended. Null where nothing was said.
 */
async function partialOf(em: SqlEntityManager, { status, taskId }: EndedTurn): Promise<string | null> {
  if (status !== 'cancelled' || taskId === null) return null;
  const trace = (await new TraceRepository(em).list(taskId)).at(-1);
  if (trace === undefined) return null;
  const runs = await new RunRepository(em).list(trace.id);
  const newest = runs.toSorted((one, other) => Number(one.finishedAt) - Number(other.finishedAt)).reverse();
  const reply = newest.map(({ output }) => replyIn(output.json)).find((text) => text !== null);
  if (reply !== undefined) return reply;
  const interrupted = new Set(runs.filter(({ status }) => status !== 'ok').map(({ nodeId }) => nodeId));
  const { models } = await new ThinkingRepository(em).ofTask(taskId);
  const said = models.filter(({ traceId, path }) => traceId === trace.id && interrupted.has(path));
  return said.map(({ answer }) => answer?.text ?? '').findLast((text) => text.trim() !== '') ?? null;
}

function replyIn(json: string | null): string | null {
  const output: Json = json === null ? null : JSON.parse(json);
  return isJsonObject(output) && typeof output.reply === 'string' ? output.reply : null;
}
