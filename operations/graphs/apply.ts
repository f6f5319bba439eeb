import { missingHost } from '../../domain/agents/hosting.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { diffGraphs } from '../../domain/graphs/diff-graphs.ts';
import { allNodes, needOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphStatus } from '../../domain/graphs/kinds.ts';
import { HostingRepository } from '../../entities/agents/hosting-repository.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { taskQueue, yesOrNo } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { missedScore } from '../evals/require.ts';
import { compileDocument } from './compile-document.ts';
import { documentText } from './graph-fields.ts';
import { requireGranted } from './require-granted.ts';
import { hashOf, type NewVersion, writeVersion } from './write-version.ts';

export interface ApplyInput {
  readonly document: string;
  /** Writes nothing. @defaultValue false */
  readonly dryRun?: boolean;
  /** Writes drafts, and leaves active what is. @defaultValue false */
  readonly draft?: boolean;
  /** The task queue whose workers carry it out. @defaultValue the installation's */
  readonly taskQueue?: string;
}

/** What became of a graph of a document, or would. */
export interface AppliedGraph {
  readonly name: string;
  /** Null for one that a dry run did not write. */
  readonly version: number | null;
  readonly status: GraphStatus;
  /** Whether it is a new version. */
  readonly created: boolean;
  /** What differs from what submits took so far, a line each; null where they took none. */
  readonly changes: readonly string[] | null;
  /** What keeps it from being active, or its tasks from being carried out now: a sentence each. */
  readonly warnings: readonly string[];
}

/** @throws GraphInvalid, PermissionDenied */
export const applyGraphs = defineOperation({
  name: 'graphs.apply',
  summary: 'Makes the graphs of a document active: all of them, or none where something is wrong with it.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'graphs:publish',
  unit: 'tenant',
  input: {
    ...{ document: documentText, dryRun: yesOrNo.optional(), draft: yesOrNo.optional() },
    taskQueue: taskQueue.optional(),
  },
  async handle(call, input: ApplyInput): Promise<{ readonly graphs: readonly AppliedGraph[] }> {
    const definitions = await compileDocument(call.em, call.caller.tenant, input.document);
    for (const definition of definitions) requireGranted(call.caller, definition, call.stores);
    const applied = new Map<string, AppliedGraph>();
    // In the order of their names, so that two documents never wait for each other's locks in a circle.
    for (const definition of definitions.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      applied.set(definition.name, await applyDefinition(call, definition, input));
    }
    return { graphs: definitions.flatMap(({ name }) => applied.get(name) ?? []) };
  },
});

/** How a definition is applied. */
export interface ApplyOptions extends Omit<ApplyInput, 'document'>, Pick<NewVersion, 'metadata'> {}

/** Writes a definition that the caller may publish, and says what changes by that; or only says it. */
export async function applyDefinition(
  { em, caller, stores }: CallInUnit,
  definition: GraphDefinition,
  { dryRun = false, draft = false, taskQueue: queue = stores.defaultTaskQueue, metadata = {} }: ApplyOptions,
): Promise<AppliedGraph> {
  const { tenant } = caller;
  const { name } = definition;
  const graphs = new GraphRepository(em);
  const head = await graphs.head(tenant, name);
  const changes = head === null ? null : diffGraphs(await stores.graphs.get(tenant, head.id), definition);
  const workers = await new HostingRepository(em).workers();
  const missing = missingHost({ taskQueue: queue, handlers: needsOf(definition) }, workers);
  const warnings = missing === null ? [] : [`Tasks of "${name}" would wait for ${missing}.`];
  if (!dryRun) {
    const version = { tenant, taskQueue: queue, definition, actor: actorOf(caller), draft, metadata };
    const { version: number, status, created, missed } = await writeVersion(em, version);
    return { name, version: number, status, created, changes, warnings: [...reasons(missed), ...warnings] };
  }
  const versions = await graphs.versions(tenant, name);
  const known = versions.find(({ definitionHash }) => definitionHash === hashOf(definition));
  const next = 1 + Math.max(0, ...versions.map((version) => version.version));
  const { id, version: number } = known ?? { id: null, version: next };
  const before: GraphStatus = known?.status ?? 'draft';
  const isWanted = !draft && before !== 'active';
  const missed = isWanted ? await missedScore(em, { id, name, version: number, tenant }) : null;
  const status = isWanted && missed === null ? 'active' : before;
  const seen = { version: known?.version ?? null, status, created: known === undefined };
  return { name, ...seen, changes, warnings: [...reasons(missed), ...warnings] };
}

function reasons(missed: Error | null): readonly string[] {
  return missed === null ? [] : [missed.message];
}

function needsOf(definition: GraphDefinition): readonly string[] {
  return [...new Set(allNodes(definition).flatMap((node) => needOf(node) ?? []))];
}
