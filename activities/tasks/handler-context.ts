import { v7 as uuid } from 'uuid';
import type { Transaction } from '../../database/transaction.ts';
import { withRecord } from '../../database/with-record.ts';
import type { HandlerContext } from '../../domain/agents/handler.ts';
import { handlerLog } from '../../domain/agents/handler-log.ts';
import { answering, answeringAtOnce } from '../../domain/agents/thrown.ts';
import { type Json, notJson, toJson } from '../../domain/json.ts';
import type { HandlerMessages } from '../../domain/messaging/received-message.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import { type NewTraceEvent, TraceRepository } from '../../entities/traces/trace-repository.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { HandlerCallInvalid } from '../handler-errors.ts';
import { handlerLimits } from './attempt-limits.ts';
import { type AttemptRef, assertCurrent, isName, MAX_NAME_CHARACTERS } from './attempt-ref.ts';
import { handlerEffects } from './handler-effects.ts';

/** Of the JSON text of a heartbeat's details: each beat carries them to the server. */
const MAX_DETAILS_CHARACTERS = 65_536;

/**
 * What a handler is given: see the fields of {@link HandlerContext}. This is the border towards the handler's code:
 * whatever comes in is checked here, and what goes out as an error of ours is remembered as such.
 */
export function handlerContext(deps: ActivityDependencies, ref: AttemptRef, signal: AbortSignal): HandlerContext {
  const { execution, nodeId, attempt } = ref;
  return {
    tenant: execution.tenant,
    taskId: execution.taskId,
    traceId: execution.traceId,
    nodeId,
    attempt,
    signal,
    heartbeat: (details) => answeringAtOnce(() => ref.heartbeat(checkedDetails(nodeId, details))),
    effect: handlerEffects(deps, ref),
    writeArtifact: (artifact) => answering(() => writeArtifact(deps, ref, artifact)),
    limits: handlerLimits(deps, ref),
    messages: currentMessages(deps, ref, signal),
    log: handlerLog(deps.log, { taskId: execution.taskId, nodeId, attempt }),
  };
}

/** An attempt that is no longer the current one sends nothing. @throws StaleFence besides what each call throws */
function currentMessages(deps: ActivityDependencies, ref: AttemptRef, signal: AbortSignal): HandlerMessages {
  const { tenant } = ref.execution;
  const messages = deps.messagesOf({ ...ref.execution, nodeId: ref.nodeId, agent: ref.agent }, signal);
  const whileCurrent = <Sent>(send: () => Promise<Sent>): Promise<Sent> =>
    answering(async () => {
      await deps.database.single.inTenant(tenant, ({ em }) => assertCurrent(em, ref));
      return send();
    });
  return {
    send: (...message) => whileCurrent(() => messages.send(...message)),
    request: (...message) => whileCurrent(() => messages.request(...message)),
    broadcast: (...message) => whileCurrent(() => messages.broadcast(...message)),
  };
}

/** @throws HandlerCallInvalid */
function checkedDetails(nodeId: string, details: unknown): Json | undefined {
  if (details === undefined) return undefined;
  const json = toJson(details);
  if (!json.ok) throw new HandlerCallInvalid(nodeId, 'heartbeat', notJson(json));
  const { length } = JSON.stringify(json.value);
  if (length <= MAX_DETAILS_CHARACTERS) return json.value;
  const fault = `its details have ${length} characters and may have ${MAX_DETAILS_CHARACTERS}.`;
  throw new HandlerCallInvalid(nodeId, 'heartbeat', fault);
}

interface Artifact {
  readonly name: string;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

async function writeArtifact(deps: ActivityDependencies, ref: AttemptRef, given: unknown): Promise<string> {
  const { execution, nodeId } = ref;
  const artifact = checkedArtifact(nodeId, given);
  const id = uuid();
  const write = async (record: boolean, { em }: Transaction): Promise<string> => {
    await assertCurrent(em, ref);
    const stored = await new ArtifactRepository(em).insert({
      ...artifact,
      id,
      tenant: execution.tenant,
      taskId: execution.taskId,
      name: `${execution.traceNumber}/${nodeId}/${artifact.name}`,
    });
    if (stored === id && record && ref.note === undefined) {
      await new TraceRepository(em).append(execution.traceId, [event]);
    }
    return stored;
  };
  const data = { name: artifact.name, mediaType: artifact.mediaType, bytes: artifact.content.byteLength };
  const event: NewTraceEvent = { type: 'artifact.written', nodeId, data, at: new Date() };
  ref.note?.(event);
  return withRecord(deps, (record) => deps.database.inTenant(execution.tenant, (tx) => write(record, tx)));
}

/** @throws HandlerCallInvalid */
function checkedArtifact(nodeId: string, given: unknown): Artifact {
  const { name, mediaType, content } = (given ?? {}) as Partial<Record<keyof Artifact, unknown>>;
  const refuse = (fault: string): never => {
    throw new HandlerCallInvalid(nodeId, 'writeArtifact', fault);
  };
  if (!isName(name)) return refuse(`expected a text of 1 to ${MAX_NAME_CHARACTERS} characters as name.`);
  if (!isName(mediaType)) return refuse(`expected a text of 1 to ${MAX_NAME_CHARACTERS} characters as mediaType.`);
  if (typeof content === 'string') return { name, mediaType, content: new TextEncoder().encode(content) };
  if (content instanceof Uint8Array) return { name, mediaType, content };
  return refuse('expected a text or a Uint8Array as content.');
}
