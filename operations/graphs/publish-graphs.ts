import type { Database } from '../../database/transaction.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { type GraphFault, GraphInvalid } from '../../domain/graphs/graph-faults.ts';
import { takenNames } from '../../domain/graphs/taken-names.ts';
import { validateGraph } from '../../domain/graphs/validate-graph.ts';
import type { TenantId } from '../../domain/ids.ts';
import { isJsonObject } from '../../domain/json.ts';
import { inputFaultsWithin } from './inner-inputs.ts';
import { type WrittenVersion, writeVersion } from './write-version.ts';

export interface PublishOptions {
  readonly tenant: TenantId;
  readonly taskQueue: string;
  readonly definitions: readonly GraphDefinition[];
  /** In whose name the audit log has it. @defaultValue 'muster' */
  readonly actor?: string;
  /** Throws for one that the caller may not publish. @defaultValue every graph may be */
  readonly permit?: (definition: GraphDefinition) => void;
}

/**
 * Publishes graphs, each in a transaction of its own: writes it as a version, unless it is one, and activates it. All are
 * checked before the first is written, since a definition may come from anywhere; their input schemas too, by the compiler
 * that checks inputs. @throws GraphInvalid
 */
export async function publishGraphs(database: Database, options: PublishOptions): Promise<readonly WrittenVersion[]> {
  const { tenant, taskQueue, actor = 'muster' } = options;
  const definitions = options.definitions.map(requireUsable);
  for (const definition of definitions) options.permit?.(definition);
  const written: WrittenVersion[] = [];
  for (const definition of definitions) {
    const version = { tenant, taskQueue, actor, definition };
    written.push(await database.inSystem('publish', ({ em }) => writeVersion(em, version)));
  }
  return written;
}

/** A definition that keeps the rules of graphs and can check inputs. @throws GraphInvalid */
export function requireUsable(definition: GraphDefinition): GraphDefinition {
  const checked = validateGraph(definition);
  if (!checked.ok) throw new GraphInvalid(graphNameOf(definition), checked.faults);
  const faults = newGraphFaults(checked.definition);
  if (faults.length > 0) throw new GraphInvalid(checked.definition.name, faults);
  return checked.definition;
}

/** What keeps a graph that keeps the rules of graphs from being written: names that are taken, schemas that check nothing. */
export function newGraphFaults(definition: GraphDefinition): readonly GraphFault[] {
  return [...takenNames(definition), ...inputFaultsWithin(definition)];
}

/** A definition may come from anywhere, so it may have no name. */
function graphNameOf(definition: unknown): string {
  return isJsonObject(definition) && typeof definition.name === 'string' ? definition.name : 'without a name';
}
