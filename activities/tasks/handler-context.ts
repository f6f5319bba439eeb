import { createHash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import type { Transaction } from '../../database/transaction.ts';
import { withRecord } from '../../database/with-record.ts';
import type { EffectRequest, HandlerContext } from '../../domain/agents/handler.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { EffectRepository } from '../../entities/system/effect-repository.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { EffectConflict, EffectInDoubt } from '../errors.ts';

/** Which attempt of which node a context is for. */
export interface AttemptRef {
  readonly execution: ExecutionRef;
  readonly nodeId: string;
  readonly attempt: number;
  readonly heartbeat: (details?: Json) => void;
}

/** What a handler is given: see the fields of {@link HandlerContext}. */
export function handlerContext(deps: ActivityDependencies, ref: AttemptRef, signal: AbortSignal): HandlerContext {
  const { execution, nodeId, attempt } = ref;
  const facts = { taskId: execution.taskId, nodeId, attempt };
  return {
    tenant: execution.tenant,
    taskId: execution.taskId,
    traceId: execution.traceId,
    nodeId,
    attempt,
    signal,
    heartbeat: ref.heartbeat,
    effect: (step, effect) => doEffect(deps, ref, step, effect),
    writeArtifact: (artifact) => writeArtifact(deps, ref, artifact),
    log: {
      info: (more, message) => deps.log.info({ ...facts, ...more }, message),
      warn: (more, message) => deps.log.warn({ ...facts, ...more }, message),
    },
  };
}

/**
 * Announces the effect in the ledger, calls, records. The key holds no attempt number, so every repetition finds the
 * same row: `done` answers it, `pending` means that an earlier attempt died on the way.
 */
async function doEffect<Result extends Json>(
  deps: ActivityDependencies,
  ref: AttemptRef,
  step: string,
  effect: EffectRequest<Result>,
): Promise<Result> {
  const { execution, nodeId, attempt } = ref;
  const key = `${execution.taskId}/${execution.traceNumber}/${nodeId}/${step}`;
  const requestHash = createHash('sha256').update(canonicalJson(effect.request)).digest('hex');
  const found = await deps.database.inTenant(execution.tenant, ({ em }) =>
    new EffectRepository(em).announce(execution, key, requestHash, attempt),
  );
  if (found.requestHash !== requestHash) throw new EffectConflict(key);
  if (found.state === 'done') return found.result as Result;
  if (!found.created && effect.whenInDoubt === 'stop') throw new EffectInDoubt(key);

  const result = await effect.call(key);
  await deps.reach('after_effect_before_record');
  await deps.database.inTenant(execution.tenant, ({ em }) => new EffectRepository(em).finish(execution, key, result));
  return result;
}

async function writeArtifact(
  deps: ActivityDependencies,
  ref: AttemptRef,
  artifact: { name: string; mediaType: string; content: string | Uint8Array },
): Promise<string> {
  const { execution, nodeId } = ref;
  const content = typeof artifact.content === 'string' ? new TextEncoder().encode(artifact.content) : artifact.content;
  const id = uuid();
  const write = async (record: boolean, { em }: Transaction): Promise<string> => {
    const stored = await new ArtifactRepository(em).insert({
      id,
      tenant: execution.tenant,
      taskId: execution.taskId,
      name: `${execution.traceNumber}/${nodeId}/${artifact.name}`,
      mediaType: artifact.mediaType,
      sha256: createHash('sha256').update(content).digest('hex'),
      content,
    });
    if (stored === id && record) {
      const data = { name: artifact.name, mediaType: artifact.mediaType, bytes: content.byteLength };
      await new TraceRepository(em).append(execution.traceId, [{ type: 'artifact.written', nodeId, data }]);
    }
    return stored;
  };
  return withRecord(deps, (record) => deps.database.inTenant(execution.tenant, (tx) => write(record, tx)));
}
