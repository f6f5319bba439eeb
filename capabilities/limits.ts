import { answering } from '../domain/agents/thrown.ts';
import type { LimitDecision } from '../domain/limits/decision.ts';
import type { HandlerLimits } from '../domain/limits/handler-limits.ts';
import { RateLimited } from '../domain/limits/limit-errors.ts';
import { type NodeScope, placeOf } from './scope.ts';

/** The limits of one attempt of a node: see the methods of {@link HandlerLimits}. */
export function handlerLimits(scope: NodeScope): HandlerLimits {
  const { deps, execution, attempt } = scope;
  const { limits } = deps;
  const { tenant } = execution;
  return {
    take: (call) => answering(async () => allowed(await limits.take({ ...call, tenant }))),
    reserve: (step, call) =>
      answering(async () => {
        const id = [execution.taskId, execution.traceNumber, placeOf(scope), attempt, step].join('/');
        return allowed(await limits.reserve({ ...call, tenant }, { id }));
      }),
    settle: (reservation, tokens) => answering(() => limits.settle(reservation, tokens)),
  };
}

function allowed<Decision extends LimitDecision>(decision: Decision): Decision {
  const { deniedBy, limit, remaining, retryAfterMs } = decision;
  if (decision.allowed) return decision;
  throw new RateLimited({ deniedBy: deniedBy ?? '', limit: limit ?? 0, remaining: remaining ?? 0, retryAfterMs });
}
