import { type RawBuilder, sql } from 'kysely';
import type { BudgetScope } from '../../../domain/budgets/scopes.ts';
import type { TenantId, TraceId } from '../../../domain/ids.ts';
import type { RunPath } from '../../../domain/traces/path.ts';
import { givenList, givenValue } from '../../statements/given-values.ts';
import { type Places, Statement, statements } from '../../statements/statement.ts';
import type { ModelCall } from '../model-call.ts';
import type { ToolCall } from '../tool-call.ts';

/** One step of a thinking run with the tool calls that it asked for, in their order. */
export interface StepRows {
  readonly call: Pick<
    ModelCall,
    'step' | 'state' | 'model' | 'claim' | 'attempts' | 'failures' | 'handovers' | 'answer' | 'fault'
  >;
  readonly tools: readonly Pick<ToolCall, 'index' | 'tool' | 'callId' | 'state' | 'result'>[];
}

const GIVEN = {
  tenant: givenValue<TenantId>('text'),
  traceId: givenValue<TraceId>('uuid'),
  path: givenValue<RunPath>('text'),
  scopes: givenList<BudgetScope>('text'),
};
type Given = Places<typeof GIVEN>;

/** The steps as JSON. By model_calls_pkey, tool_calls_pkey and budgets_pkey. */
export const READ_STEPS = new Statement(GIVEN, (given) =>
  statements.selectNoFrom([limitedBy(given).as('isLimited'), stepsOf(given).as('stepsJson')]),
);

function limitedBy({ tenant, scopes }: Given): RawBuilder<boolean> {
  return sql`exists (select from budgets b where b.tenant_id = ${tenant} and b.scope = any (${scopes}))`;
}

/** SQL, because rows of two levels come back as one value: a message for each level was most of the time of a stored step. */
function stepsOf({ tenant, traceId, path }: Given): RawBuilder<string> {
  return sql`(
    select coalesce(json_agg(json_build_object(
      'call', json_build_object('step', c.step, 'state', c.state, 'model', c.model, 'claim', c.claim,
        'attempts', c.attempts, 'failures', c.failures, 'handovers', c.handovers, 'answer', c.answer, 'fault', c.fault),
      'tools', (
        select coalesce(json_agg(json_build_object('index', t.index, 'tool', t.tool, 'callId', t.call_id,
          'state', t.state, 'result', t.result) order by t.index), '[]')
        from tool_calls t
        where t.tenant_id = c.tenant_id and t.trace_id = c.trace_id and t.path = c.path and t.step = c.step
      )
    ) order by c.step), '[]')::text
    from model_calls c where c.tenant_id = ${tenant} and c.trace_id = ${traceId} and c.path = ${path}
  )`;
}
