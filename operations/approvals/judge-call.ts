import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type CallDecision, type CallQuestion, decideCall } from '../../domain/tools/decide-call.ts';
import { type CallPlace, GrantRepository, type Rules } from '../../entities/tools/grant-repository.ts';

/** A call, what is ruled about it, and where in its task it is. */
export interface JudgedCall extends Pick<CallQuestion, 'agent' | 'onBehalfOf' | 'tool' | 'arguments'> {
  readonly rules: Rules;
  readonly place: CallPlace;
}

/** Decides on a call by the rules of this moment, with the uses of grants that have limits. */
export async function judgeCall(em: SqlEntityManager, { rules, place, ...call }: JudgedCall): Promise<CallDecision> {
  const { document: policy, grants: held, now } = rules;
  const limited = held.filter(isLimited).map(({ id }) => id);
  const uses = limited.length === 0 ? new Map() : await new GrantRepository(em).usesOf(limited, place);
  // One that was revoked since it was read has no uses.
  const grants = held.filter((grant) => !isLimited(grant) || uses.has(grant.id));
  return decideCall({ ...call, policy, grants, uses, now });
}

/** Whether the uses of a grant are counted. */
export function isLimited({ perTask, perHour }: Rules['grants'][number]): boolean {
  return perTask !== null || perHour !== null;
}
