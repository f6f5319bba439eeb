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
import { RunRepository } from '../../entities/traces/run-repository.ts';
import { type NewTraceEvent, TraceRepository } from '../../entities/traces/trace-repository.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { EffectConflict, EffectInDoubt, StaleFence } from '../errors.ts';
import { handlerLimits } from './handler-limits.ts';

/** Which attempt of which node a context is for. */
export interface AttemptRef {
  readonly execution: ExecutionRef;
  readonly nodeId: string;
  /** The agent that runs the node; null for a tool. */
  readonly agent: string | null;
  readonly attempt: number;
  readonly heartbeat: (details?: Json) => void;
  /** Takes an event of a node whose other events are written later, so that they keep their order. */
  readonly note?: (event: NewTraceEvent) => void;
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
    limits: handlerLimits(deps, ref),
    messages: deps.messagesOf({ ...execution, nodeId, agent: ref.agent }, signal),
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
  // A unit of work whose commit went unanswered runs again and meets its own row.
  let announcedHere = false;
  const found = await deps.database.inTenant(execution.tenant, async ({ em }) => {
    await assertCurrent(em, ref);
    const announced = await new EffectRepository(em).announce(execution, key, requestHash, attempt);
    announcedHere ||= announced.created;
    return announced;
  });
  if (found.requestHash !== requestHash) throw new EffectConflict(key);
  if (found.state === 'done') return found.result as Result;
  if (!announcedHere && effect.whenInDoubt === 'stop') throw new EffectInDoubt(key);

  const result = await effect.call(key);
  await deps.reach('after_effect_before_record');
  await deps.database.inTenant(execution.tenant, ({ em }) => new EffectRepository(em).finish(execution, key, result));
  return result;
}

/** @throws StaleFence for an attempt that outlived its time or its worker's absence: it leaves nothing behind */
async function assertCurrent(em: Transaction['em'], { execution, nodeId, attempt }: AttemptRef): Promise<void> {
  const current = await new RunRepository(em).isCurrent(execution, nodeId, attempt);
  if (!current) throw new StaleFence(execution.taskId, execution.fence);
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
    await assertCurrent(em, ref);
    const stored = await new ArtifactRepository(em).insert({
      id,
      tenant: execution.tenant,
      taskId: execution.taskId,
      name: `${execution.traceNumber}/${nodeId}/${artifact.name}`,
      mediaType: artifact.mediaType,
      content,
    });
    if (stored === id && record && ref.note === undefined) {
      await new TraceRepository(em).append(execution.traceId, [event]);
    }
    return stored;
  };
  const data = { name: artifact.name, mediaType: artifact.mediaType, bytes: content.byteLength };
  const event: NewTraceEvent = { type: 'artifact.written', nodeId, data, at: new Date() };
  ref.note?.(event);
  return withRecord(deps, (record) => deps.database.inTenant(execution.tenant, (tx) => write(record, tx)));
}
