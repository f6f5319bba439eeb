import { newId } from '../../database/new-id.ts';
import type { Database } from '../../database/transaction.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { GraphInvalid } from '../../domain/graphs/graph-faults.ts';
import { storedForm } from '../../domain/graphs/stored-form.ts';
import { takenNames } from '../../domain/graphs/taken-names.ts';
import { validateGraph } from '../../domain/graphs/validate-graph.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import { isJsonObject } from '../../domain/json.ts';
import { auditRowsFrom } from '../../entities/audit/audit-rows.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { runPart } from '../../entities/insert-from.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { digestOf } from '../digest-of.ts';
import { inputFaultsWithin } from './inner-inputs.ts';

export interface PublishOptions {
  readonly tenant: TenantId;
  readonly taskQueue: string;
  readonly definitions: readonly GraphDefinition[];
  /** In whose name the audit log has it. @defaultValue 'muster' */
  readonly actor?: string;
}

/**
 * Publishes graphs, each in a transaction of its own. A graph whose newest version is the same is not written again.
 * All are checked before the first is written, since a definition may come from anywhere; their input schemas too, by the
 * compiler that checks inputs. @throws GraphInvalid
 */
export async function publishGraphs(database: Database, options: PublishOptions): Promise<void> {
  for (const definition of options.definitions.map(requireUsable)) {
    const definitionHash = digestOf(storedForm(definition));
    await database.inSystem('publish', async ({ em }) => {
      await new TaskRepository(em).ensureTenant(options.tenant);
      const { tenant, taskQueue, actor = 'muster' } = options;
      const graph = { id: newId<GraphId>(), tenant, taskQueue, definitionHash, definition };
      const { id, version, created } = await new GraphRepository(em).publish(graph);
      const details = { graph: definition.name, version };
      const note = { action: 'graph.published', subjectType: 'graph', subjectId: id, details };
      if (created) await runPart(em, auditRowsFrom(null, { tenant, actor, ...note }));
    });
  }
}

function requireUsable(definition: GraphDefinition): GraphDefinition {
  const checked = validateGraph(definition);
  if (!checked.ok) throw new GraphInvalid(graphNameOf(definition), checked.faults);
  const faults = [...takenNames(checked.definition), ...inputFaultsWithin(checked.definition)];
  if (faults.length > 0) throw new GraphInvalid(checked.definition.name, faults);
  return checked.definition;
}

/** A definition may come from anywhere, so it may have no name. */
export function graphNameOf(definition: unknown): string {
  return isJsonObject(definition) && typeof definition.name === 'string' ? definition.name : 'without a name';
}
