import { newId } from '../database/new-id.ts';
import type { HandlerContext } from '../domain/agents/handler.ts';
import { answering } from '../domain/agents/thrown.ts';
import type { ArtifactId } from '../domain/ids.ts';
import { ArtifactRepository } from '../entities/traces/artifact-repository.ts';
import type { NewTraceEvent } from '../operations/record/notes.ts';
import { recording } from '../operations/record/recording.ts';
import { HandlerCallInvalid } from './capability-errors.ts';
import { assertCurrent, isName, MAX_NAME_CHARACTERS, type NodeScope, placeOf } from './scope.ts';

interface Artifact {
  readonly name: string;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

/** See {@link HandlerContext.writeArtifact}. */
export function artifactWriter(scope: NodeScope): HandlerContext['writeArtifact'] {
  return (artifact) => answering(() => writeArtifact(scope, artifact));
}

async function writeArtifact(scope: NodeScope, given: unknown): Promise<string> {
  const { deps, execution, nodeId } = scope;
  const artifact = checkedArtifact(nodeId, given);
  const { name, mediaType, content } = artifact;
  const id = newId<ArtifactId>();
  const data = { name, mediaType, bytes: content.byteLength };
  const event: NewTraceEvent = { type: 'artifact.written', nodeId, data, at: new Date() };
  scope.note?.(event);
  return recording({ units: deps.database, log: deps.log }, execution.tenant, async ({ em, recorder }) => {
    await assertCurrent(em, scope);
    const stored = await new ArtifactRepository(em).insert({
      ...artifact,
      id,
      tenant: execution.tenant,
      taskId: execution.taskId,
      name: `${execution.traceNumber}/${placeOf(scope)}/${name}`,
    });
    if (stored === id && scope.note === undefined) await recorder.eventHappened(execution.traceId, [event]);
    return stored;
  });
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
