import { LockMode, raw } from '@mikro-orm/core';
import type { EvalState } from '../../domain/evals/evaluation.ts';
import type { TenantId } from '../../domain/ids.ts';
import { Repository } from '../repository.ts';
import { EvalRun } from './eval-run.ts';
import { EvalScore } from './eval-score.ts';

/** What a run is of. */
export type EvalRunKey = Pick<EvalRun, 'tenantId' | 'name' | 'graphId' | 'definitionHash'>;

export type NewEvalRun = EvalRunKey & Pick<EvalRun, 'id' | 'graphName' | 'graphVersion' | 'definition'>;

export type NewEvalScore = Pick<EvalScore, 'case' | 'scorer' | 'score' | 'reason' | 'taskId'>;

/** Runs of evaluation sets and their scores. */
export class EvalRepository extends Repository {
  /** The run of this set and version that has not ended, or this new one. Of two at once both get one. */
  async begin(run: NewEvalRun): Promise<EvalRun> {
    const { tenantId, name, graphId, definitionHash } = run;
    await this.em.createQueryBuilder(EvalRun).insert(run).onConflict().ignore().execute('run', false);
    return this.em.findOneOrFail(EvalRun, { tenantId, name, graphId, definitionHash, state: 'running' });
  }

  /** Lets a fresh run begin in the place of one that has not ended. */
  async abandon({ tenantId, name, graphId, definitionHash }: EvalRunKey): Promise<void> {
    const running = { tenantId, name, graphId, definitionHash, state: 'running' as EvalState };
    await this.em.nativeUpdate(EvalRun, running, { state: 'abandoned' });
  }

  find(tenantId: TenantId, id: string): Promise<EvalRun | null> {
    return this.em.findOne(EvalRun, { tenantId, id }, { refresh: true });
  }

  /** The newest runs first. */
  list(
    tenantId: TenantId,
    { name, graph, limit }: { readonly name?: string; readonly graph?: string; readonly limit: number },
  ): Promise<EvalRun[]> {
    const which = { ...(name === undefined ? {} : { name }), ...(graph === undefined ? {} : { graphName: graph }) };
    return this.em.find(EvalRun, { tenantId, ...which }, { orderBy: { createdAt: 'desc', id: 'desc' }, limit });
  }

  /** The run of a set and version that was completed last; only the newest counts. By eval_runs_named_index. */
  newestCompleted(key: EvalRunKey): Promise<EvalRun | null> {
    const { tenantId, name, graphId, definitionHash } = key;
    const where = { tenantId, name, graphId, definitionHash, state: 'completed' as EvalState };
    return this.em.findOne(EvalRun, where, { orderBy: { completedAt: 'desc' } });
  }

  scores(tenantId: TenantId, runIds: readonly string[]): Promise<EvalScore[]> {
    return this.em.find(
      EvalScore,
      { tenantId, runId: { $in: [...runIds] } },
      { orderBy: { case: 'asc', scorer: 'asc' } },
    );
  }

  /**
   * Writes scores of a run, under the lock of its row; one that is there stays.
   * @returns whether these completed it
   */
  async record({ tenantId, id, definition }: EvalRun, scores: readonly NewEvalScore[]): Promise<boolean> {
    await this.em.findOneOrFail(EvalRun, { tenantId, id }, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
    const rows = scores.map((score) => ({ ...score, tenantId, runId: id }));
    await this.em.createQueryBuilder(EvalScore).insert(rows).onConflict().ignore().execute('run', false);
    const all = definition.cases.length * Object.keys(definition.scorers).length;
    if ((await this.em.count(EvalScore, { tenantId, runId: id })) < all) return false;
    const running = { tenantId, id, state: 'running' as EvalState };
    const completed = { state: 'completed' as EvalState, completedAt: raw<Date>('clock_timestamp()') };
    return (await this.em.nativeUpdate(EvalRun, running, completed)) > 0;
  }
}
