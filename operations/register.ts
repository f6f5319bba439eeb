import { nearestName } from '../domain/nearest-name.ts';
import { foundText } from '../options/found-text.ts';
import { listAgents } from './agents/list.ts';
import { decideApproval } from './approvals/decide.ts';
import { listApprovals } from './approvals/list.ts';
import { grantBudget } from './budgets/grant.ts';
import { setBudget, unsetBudget } from './budgets/set.ts';
import { viewBudgets } from './budgets/view.ts';
import { decideOnCanary, listCanaries, recordCanary } from './canaries/canaries.ts';
import { appendInput } from './conversations/append.ts';
import { listConversations, readTurn, viewConversation } from './conversations/view.ts';
import type { Operation } from './define.ts';
import { recordScores } from './evals/record.ts';
import { listRequirements, requireScore } from './evals/require.ts';
import { startEval } from './evals/start.ts';
import { listEvals, showEval } from './evals/view.ts';
import { allowTool, revokeGrant } from './grants/allow.ts';
import { listGrants, setPolicy, viewPolicy } from './grants/policy.ts';
import { applyGraphs } from './graphs/apply.ts';
import { checkGraphs } from './graphs/check.ts';
import { diffVersions } from './graphs/diff.ts';
import { activateGraph, archiveGraph } from './graphs/life.ts';
import { listGraphs, listVersions, showGraph } from './graphs/list.ts';
import { migrateTasks } from './graphs/migrate.ts';
import { publish } from './graphs/publish.ts';
import { setRateLimit, setTier, viewLimits } from './limits/set.ts';
import {
  acquireSlot,
  checkLimits,
  cooldown,
  limitStatus,
  once,
  releaseSlot,
  renewSlot,
  reserveLimits,
  resetLimits,
  settleLimits,
  takeLimits,
} from './limits/take.ts';
import { broadcastReceipts, countMessages, listMessages } from './messages/read.ts';
import { redriveMessage } from './messages/redrive.ts';
import { broadcastMessage, directIntent, requestAnswer, sendMessage } from './messages/send.ts';
import { modelHealth } from './models/health.ts';
import { listKeys, removeKey, setKey } from './models/keys.ts';
import { pauseQueue, resumeQueue, setQueueLimit, setQueueWeight } from './queue/settings.ts';
import { viewQueue } from './queue/view.ts';
import { enforceRetention, retentionReport } from './retention/enforce.ts';
import { systemStatus } from './system/status.ts';
import { cancelTask, killTask } from './tasks/cancel.ts';
import { readEvents } from './tasks/events.ts';
import { listDeadTasks, listTasks } from './tasks/list.ts';
import { pauseTask, resumeTask } from './tasks/pause.ts';
import { readTask, showTask, taskProgress } from './tasks/read.ts';
import { redriveTasks } from './tasks/redrive.ts';
import { submitTask, submitTasks } from './tasks/submit.ts';
import { whyTask } from './tasks/why.ts';
import { saveTemplates } from './templates/save.ts';
import { useTemplate } from './templates/use.ts';
import { listTemplates, showTemplate } from './templates/view.ts';
import { listDoubts } from './thinking/doubts.ts';
import { followText } from './thinking/follow.ts';
import { settleEffect } from './thinking/settle-effect.ts';
import { readText } from './thinking/text.ts';
import { listTools } from './tools/list.ts';
import { diffTraces } from './traces/diff.ts';
import { exportTask } from './traces/export.ts';
import { forkTask } from './traces/fork.ts';
import { importTask } from './traces/import.ts';
import { replayTask } from './traces/replay.ts';
import { verifyTask } from './traces/verify.ts';
import { answerTask } from './waits/answer.ts';
import { listWaits } from './waits/list.ts';
import { publishEvent } from './waits/publish.ts';
import { sendToTask } from './waits/send.ts';

/** Every operation that there is. */
export const OPERATIONS = [
  ...[submitTask, submitTasks, readTask, showTask, listTasks, readEvents, taskProgress, whyTask],
  ...[cancelTask, killTask, pauseTask, resumeTask, listDeadTasks, redriveTasks, forkTask, diffTraces],
  ...[replayTask, verifyTask, exportTask, importTask],
  ...[sendToTask, answerTask, listWaits, publishEvent],
  ...[viewQueue, pauseQueue, resumeQueue, setQueueLimit, setQueueWeight],
  ...[listGraphs, showGraph, listVersions, publish, applyGraphs, diffVersions],
  ...[listTemplates, showTemplate, saveTemplates, useTemplate],
  ...[activateGraph, archiveGraph],
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
  ...[viewBudgets, setBudget, unsetBudget, grantBudget],
  ...[once, cooldown, acquireSlot, renewSlot, releaseSlot],
  ...[sendMessage, requestAnswer, broadcastMessage, directIntent],
  ...[listMessages, countMessages, broadcastReceipts, redriveMessage],
  ...[setKey, removeKey, listKeys, modelHealth],
  ...[retentionReport, enforceRetention],
  ...[allowTool, revokeGrant, listGrants, viewPolicy, setPolicy],
  ...[listApprovals, decideApproval],
  ...[listTools],
  ...[decideOnCanary, recordCanary, listCanaries],
  ...[checkGraphs, migrateTasks],
  ...[startEval, recordScores, listEvals, showEval, requireScore, listRequirements],
  ...[appendInput, readTurn, viewConversation, listConversations],
  ...[listDoubts, settleEffect, followText, readText],
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

/** That no operation has this name, and which one was probably meant. */
export function unknownOperation(name: string): string {
  const nearest = nearestName(name, [...BY_NAME.keys()]);
  const hint = nearest === null ? '`muster operations` lists them' : `did you mean ${nearest}?`;
  return `${foundText(name)} is not an operation (${hint})`;
}

export function operationNamed(name: string): Operation | undefined {
  return BY_NAME.get(name);
}
