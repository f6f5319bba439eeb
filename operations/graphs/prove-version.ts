import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { isSettled } from '../../domain/graphs/graph-state.ts';
import type { Break, Happened, Proof, ProofOptions } from '../../domain/graphs/proof/proof.ts';
import { prove } from '../../domain/graphs/proof/prove.ts';
import type { GraphHistoryRepository } from '../../entities/tasks/graph-history-repository.ts';
import { innerInputFault } from './inner-inputs.ts';
import { compileInputSchema, inputFaults } from './input-schemas.ts';

/** Whether a version carries on with what has happened: see `prove`. It is compiled once for many tasks. */
export type ProveVersion = (happened: Happened, stands: ProofOptions['stands']) => Proof;

export function versionProof(definition: GraphDefinition): ProveVersion {
  const { name: graph, inputSchema: schema } = definition;
  const check = schema === null ? null : compileInputSchema({ graph, schema });
  const checkTask: ProofOptions['checkTask'] = (task) => (check === null ? null : inputFaults(check, task));
  return (happened, stands) => prove(definition, happened, { stands, checkTask, checkInner: innerInputFault });
}

/** What keeps a parked task from moving: where it breaks under the new version, and did not under its own. Null: nothing. */
export function breakOfMove(
  happened: Happened,
  from: ProveVersion,
  to: ProveVersion,
): { readonly proof: Proof; readonly breaks: Break | null } {
  const proof = to(happened, 'all');
  if (proof.breaks === null) return { proof, breaks: null };
  return { proof, breaks: from(happened, 'all').breaks === null ? proof.breaks : null };
}

/** Rows as what has happened: runs that have begun and not ended are open. */
export function happenedOf({ task, runs }: Awaited<ReturnType<GraphHistoryRepository['happened']>>): Happened {
  const all = runs.map(({ nodeId: path, agent: performer, kind, status, outcome, value, error }) => {
    return { path, performer, kind, status, outcome, output: value, error };
  });
  const ended = all.flatMap(({ status, ...run }) => (isSettled(status) ? [{ ...run, status }] : []));
  const open = all
    .filter(({ status }) => !isSettled(status))
    .map(({ path, kind, performer }) => ({ path, kind, performer }));
  return { task, ended, open };
}
