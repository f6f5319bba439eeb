import type { WaitingNode } from '../definition.ts';
import type { NodeSpec } from '../graph-spec.ts';
import { WAIT_LIMITS } from '../kinds.ts';
import { readInteger } from '../read-unknown.ts';
import type { KindRules, NodeField } from './kind-rules.ts';

type Shared = 'brings' | 'drive' | 'readers' | 'plan' | 'decides';

/** What is the same for every kind of node that waits. */
export const WAITING: Pick<KindRules<WaitingNode>, Shared> = {
  brings: () => ({}),
  drive: () => 'wait',
  readers: ({ input }) => ({ input }),
  plan: { input: { fields: {} } },
  decides: false,
};

type Expiry = Pick<WaitingNode, 'expiresMs'>;

/** When a node that waits fails, as a person wrote it. */
export function writtenExpiry({ expiresMs }: NodeSpec): Expiry {
  return expiresMs === undefined ? {} : { expiresMs };
}

/** The same of a stored node. */
export function readExpiry(field: NodeField): Expiry {
  const [value, place] = field('expiresMs');
  if (value === undefined) return {};
  const limits = { code: 'wait_out_of_range', ...WAIT_LIMITS, default: WAIT_LIMITS.approval } as const;
  return { expiresMs: readInteger(value, place, limits) };
}
