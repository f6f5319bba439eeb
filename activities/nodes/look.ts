import type { GraphNode, WaitingNode } from '../../domain/graphs/definition.ts';
import type { WaitingKind } from '../../domain/graphs/kinds.ts';
import { lookAtApproval } from './approval.ts';
import { lockParent, lookAtChild } from './child.ts';
import { lookAtCollector } from './entity-collector.ts';
import type { Look, LookSetting } from './look-setting.ts';
import { lockForMessage, lookAtWait } from './wait.ts';

/** Methods, so that what takes nodes of one kind fits in: they are looked up by a node's own kind. */
interface Looker {
  /** Locks what has to be locked before any other row. @defaultValue nothing */
  lock?(node: WaitingNode, setting: LookSetting): Promise<unknown>;
  look(node: WaitingNode, setting: LookSetting): Promise<Look>;
}

/** How a node of each kind that waits is looked at. */
const LOOKERS: Readonly<Record<WaitingKind, Looker>> = {
  approval: { look: lookAtApproval },
  wait: { lock: lockForMessage, look: lookAtWait },
  'entity-collector': { look: lookAtCollector },
  child: { lock: lockParent, look: lookAtChild },
};

/** Locks what a look needs, in the unit of work of the look and before anything else of it. */
export async function lockFor(node: GraphNode, setting: LookSetting): Promise<void> {
  const [looker, waiting] = lookerOf(node);
  await looker.lock?.(waiting, setting);
}

/** Looks at a node, whose kind has to be one that waits. */
export function lookAt(node: GraphNode, setting: LookSetting): Promise<Look> {
  const [looker, waiting] = lookerOf(node);
  return looker.look(waiting, setting);
}

function lookerOf(node: GraphNode): readonly [Looker, WaitingNode] {
  // Each kind that waits has one, and only nodes of these kinds are driven by looks.
  const waiting = node as WaitingNode;
  const looker = LOOKERS[waiting.kind];
  if (looker === undefined) throw new Error(`The node ${node.id} of kind ${node.kind} waits for nothing.`);
  return [looker, waiting];
}
