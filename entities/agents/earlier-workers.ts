import { expressionBuilder } from 'kysely';
import { SUPERVISION_PROCESS } from '../../domain/agents/lease.ts';
import { DEAD_AFTER_SECONDS } from '../../domain/agents/liveness.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { EXECUTION_RULES } from '../../domain/tasks/execution.ts';
import { ago } from '../common-expressions.ts';
import type { Tables } from '../tables.ts';

const eb = expressionBuilder<Tables, never>();

/**
 * Whether a worker is alive that does not know the present execution rules. Those of every task queue count, because
 * each reconciler looks at all tasks. The leases of the system tenant are those of workers and of the supervision; the
 * first release's say no task queue. Uses agent_leases_open_index.
 */
export function hasEarlierWorker() {
  return eb
    .exists(
      eb
        .selectFrom('agent_leases as l')
        .select('l.id')
        .where('l.tenantId', '=', SYSTEM_TENANT)
        .where('l.process', '<>', SUPERVISION_PROCESS)
        .where('l.endedAt', 'is', null)
        .where('l.renewedAt', '>', ago(DEAD_AFTER_SECONDS))
        .where((lease) => lease(lease.fn.coalesce('l.executionRules', lease.lit(0)), '<', EXECUTION_RULES)),
    )
    .as('hasEarlierWorker');
}
