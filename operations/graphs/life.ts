import { GraphRepository, type GraphVersion } from '../../entities/graphs/graph-repository.ts';
import { text } from '../../options/fields.ts';
import { type CallInTenant, defineOperation } from '../define.ts';
import { missedScore } from '../evals/require.ts';
import { GraphVersionUnknown } from '../operation-errors.ts';
import { versionNumber } from './graph-fields.ts';
import type { GraphVersionInput } from './list.ts';
import { requireGranted } from './require-granted.ts';

const CHANGE = {
  ...({ effect: 'write', risk: 'high_risk', permission: 'graphs:publish', unit: 'tenant' } as const),
  input: { graph: text(), version: versionNumber },
};

/** What became of a version. */
export interface VersionMove extends Pick<GraphVersion, 'id' | 'name' | 'version' | 'status'> {
  /** Whether it was so before; then nothing was changed. */
  readonly repeated: boolean;
}

/** @throws GraphVersionUnknown, PermissionDenied, ScoreMissing, ScoreTooLow */
export const activateGraph = defineOperation({
  ...CHANGE,
  name: 'graphs.activate',
  summary: 'Makes a version of a graph the one that submits take, and archives the one before.',
  async handle(call, input: GraphVersionInput): Promise<VersionMove> {
    const { em, caller, stores } = call;
    const found = await lockedVersion(call, input);
    requireGranted(caller, await stores.graphs.get(caller.tenant, found.id), stores);
    const missed = found.status === 'active' ? null : await missedScore(em, { ...found, tenant: caller.tenant });
    if (missed !== null) throw missed;
    if (found.status !== 'active') await new GraphRepository(em).activate(found, caller.tenant);
    return moveOf(found, 'active');
  },
  audit: (move) => noteOf('graph.activated', move),
});

/** @throws GraphVersionUnknown */
export const archiveGraph = defineOperation({
  ...CHANGE,
  name: 'graphs.archive',
  summary:
    'Takes a version of a graph out of use; its tasks keep it, and without an active version nothing is submitted.',
  async handle(call, input: GraphVersionInput): Promise<VersionMove> {
    const found = await lockedVersion(call, input);
    await new GraphRepository(call.em).archive(found.id);
    return moveOf(found, 'archived');
  },
  audit: (move) => noteOf('graph.archived', move),
});

/** A version of the tenant's own, under the lock of its name. @throws GraphVersionUnknown */
async function lockedVersion({ em, caller }: CallInTenant, input: GraphVersionInput): Promise<GraphVersion> {
  const graphs = new GraphRepository(em);
  await graphs.lock(caller.tenant, input.graph);
  const versions = await graphs.versions(caller.tenant, input.graph);
  const found = versions.find(({ version }) => version === input.version);
  if (found === undefined) throw new GraphVersionUnknown(input.graph, input.version, versions);
  return found;
}

function moveOf({ id, name, version, status: before }: GraphVersion, status: GraphVersion['status']): VersionMove {
  return { id, name, version, status, repeated: before === status };
}

function noteOf(action: string, { id: subjectId, name: graph, version, repeated }: VersionMove) {
  return repeated ? null : { action, subjectType: 'graph', subjectId, details: { graph, version } };
}
