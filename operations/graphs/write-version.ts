import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../database/new-id.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { storedForm } from '../../domain/graphs/stored-form.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { auditRowsFrom } from '../../entities/audit/audit-rows.ts';
import { GraphRepository, type GraphVersion } from '../../entities/graphs/graph-repository.ts';
import { runPart } from '../../entities/insert-from.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { digestOf } from '../digest-of.ts';
import type { ScoreMissing, ScoreTooLow } from '../evals/eval-errors.ts';
import { missedScore } from '../evals/require.ts';

/** A definition that was checked, and whose version it becomes. */
export interface NewVersion {
  readonly tenant: TenantId;
  readonly taskQueue: string;
  readonly definition: GraphDefinition;
  /** In whose name the audit log has it. */
  readonly actor: string;
  /** Whether it only is written, for somebody to look at and to activate. @defaultValue false */
  readonly draft?: boolean;
  /** What it was made from. @defaultValue {} */
  readonly metadata?: JsonObject;
}

/** What became of a definition. */
export interface WrittenVersion extends Pick<GraphVersion, 'id' | 'name' | 'version' | 'status'> {
  /** Whether it is a new version. A definition that a version of the name already has is not written again. */
  readonly created: boolean;
  /** Why it was not activated although it was to be: it has not scored what is required. */
  readonly missed: ScoreMissing | ScoreTooLow | null;
}

/**
 * Writes a definition as a version of its name and activates it, with its audit row. The same definition again changes
 * nothing; one of an archived version activates that one. One that has not scored what is required stays as it is, a new
 * one as a draft. Two writers of a name are put in order.
 */
export async function writeVersion(em: SqlEntityManager, version: NewVersion): Promise<WrittenVersion> {
  const { tenant, taskQueue, definition, actor, draft = false, metadata = {} } = version;
  await new TaskRepository(em).ensureTenant(tenant);
  const graphs = new GraphRepository(em);
  await graphs.lock(tenant, definition.name);
  const graph = { id: newId<GraphId>(), tenant, taskQueue, definitionHash: hashOf(definition), definition, metadata };
  const { written, created } = await graphs.write(graph);
  const isWanted = !draft && written.status !== 'active';
  const missed = isWanted ? await missedScore(em, { ...written, tenant }) : null;
  const activates = isWanted && missed === null;
  if (activates) await graphs.activate(written, tenant);
  const action = created ? (activates ? 'graph.published' : 'graph.drafted') : 'graph.activated';
  if (created || activates) await auditVersion(em, { tenant, actor, action }, written);
  const { id, name } = written;
  return { id, name, version: written.version, status: activates ? 'active' : written.status, created, missed };
}

/** By which the versions of a name are told apart. */
export function hashOf(definition: GraphDefinition): string {
  return digestOf(storedForm(definition));
}

/** Who did what to a version. */
interface VersionChange extends Pick<NewVersion, 'tenant' | 'actor'> {
  readonly action: string;
}

function auditVersion(em: SqlEntityManager, change: VersionChange, { id, name, version }: GraphVersion): Promise<void> {
  const details = { graph: name, version };
  return runPart(em, auditRowsFrom(null, { ...change, subjectType: 'graph', subjectId: id, details }));
}
