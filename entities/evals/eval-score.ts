import { defineEntity, p } from '@mikro-orm/core';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { createdAt, keyOf, plainTenantId } from '../columns.ts';
import { EvalRun } from './eval-run.ts';

const schema = defineEntity({
  name: 'EvalScore',
  tableName: 'eval_scores',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    runId: () => keyOf(EvalRun, 'run_id').$type<string>().primary(),
    case: p.text().primary(),
    scorer: p.text().primary(),
    score: p.float().columnType('double precision').check('score between 0 and 1'),
    reason: p.text().nullable(),
    /** The task of the case. */
    taskId: p.uuid().$type<TaskId>().nullable(),
    createdAt: createdAt(),
  },
});

/** One score of a run: the first that was recorded stays. A foreign key of two columns holds its run. */
export class EvalScore extends schema.class {}
schema.setClass(EvalScore);
