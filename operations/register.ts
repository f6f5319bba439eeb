import { listAgents } from './agents/list.ts';
import type { Operation } from './define.ts';
import { listGraphs } from './graphs/list.ts';
import { publish } from './graphs/publish.ts';
import { showGraph } from './graphs/show.ts';
import { cooldown, once } from './limits/once.ts';
import { reserveLimits, settleLimits } from './limits/reserve.ts';
import { setRateLimit, setTier } from './limits/set.ts';
import { acquireSlot, releaseSlot, renewSlot } from './limits/slots.ts';
import { checkLimits, limitStatus, resetLimits, takeLimits } from './limits/take.ts';
import { viewLimits } from './limits/view.ts';
import { countMessages } from './messages/counts.ts';
import { directIntent } from './messages/direct.ts';
import { listMessages } from './messages/list.ts';
import { broadcastReceipts } from './messages/receipts.ts';
import { redriveMessage } from './messages/redrive.ts';
import { broadcastMessage, requestAnswer, sendMessage } from './messages/send.ts';
import { pauseQueue, resumeQueue } from './queue/pause.ts';
import { setQueueLimit } from './queue/set-limit.ts';
import { setQueueWeight } from './queue/set-weight.ts';
import { viewQueue } from './queue/view.ts';
import { enforceRetention } from './retention/enforce.ts';
import { retentionReport } from './retention/report.ts';
import { systemStatus } from './system/status.ts';
import { cancelTask } from './tasks/cancel.ts';
import { listDeadTasks } from './tasks/dead.ts';
import { readEvents } from './tasks/events.ts';
import { killTask } from './tasks/kill.ts';
import { listTasks } from './tasks/list.ts';
import { pauseTask, resumeTask } from './tasks/pause.ts';
import { taskProgress } from './tasks/progress.ts';
import { readTask } from './tasks/read.ts';
import { redriveTasks } from './tasks/redrive.ts';
import { showTask } from './tasks/show.ts';
import { submitTask } from './tasks/submit.ts';
import { submitTasks } from './tasks/submit-many.ts';

/** Every operation that there is. */
export const OPERATIONS = [
  ...[submitTask, submitTasks, readTask, showTask, listTasks, readEvents, taskProgress],
  ...[cancelTask, killTask, pauseTask, resumeTask, listDeadTasks, redriveTasks],
  ...[viewQueue, pauseQueue, resumeQueue, setQueueLimit, setQueueWeight],
  ...[listGraphs, showGraph, publish],
  ...[listAgents],
  ...[
    viewLimits,
    setRateLimit,
    setTier,
    takeLimits,
    checkLimits,
    reserveLimits,
    settleLimits,
    limitStatus,
    resetLimits,
  ],
  ...[once, cooldown, acquireSlot, renewSlot, releaseSlot],
  ...[sendMessage, requestAnswer, broadcastMessage, directIntent],
  ...[listMessages, countMessages, broadcastReceipts, redriveMessage],
  ...[retentionReport, enforceRetention],
  ...[systemStatus],
] as const;

type Registered = (typeof OPERATIONS)[number];
export type OperationName = Registered['name'];
type Named<Name extends OperationName> = Extract<Registered, { readonly name: Name }>;
export type InputOf<Name extends OperationName> = Parameters<Named<Name>['handle']>[1];
export type AnswerOf<Name extends OperationName> = Awaited<ReturnType<Named<Name>['handle']>>;

type DomainOf<Name extends string> = Name extends `${infer Domain}.${string}` ? Domain : never;
type VerbOf<Name extends string, Domain extends string> = Name extends `${Domain}.${infer Verb}` ? Verb : never;

/** The operations as methods: `operations.tasks.submit({ … })`. */
export type OperationNamespaces = {
  readonly [Domain in DomainOf<OperationName>]: {
    readonly [Verb in VerbOf<OperationName, Domain>]: (
      input: InputOf<Extract<`${Domain}.${Verb}`, OperationName>>,
    ) => Promise<AnswerOf<Extract<`${Domain}.${Verb}`, OperationName>>>;
  };
};

const BY_NAME: ReadonlyMap<string, Operation> = new Map(OPERATIONS.map((operation) => [operation.name, operation]));

/** The operation of this name; undefined for none. */
export function operationNamed(name: string): Operation | undefined {
  return BY_NAME.get(name);
}
