import { Agent } from './agents/agent.ts';
import { AgentHeartbeat } from './agents/agent-heartbeat.ts';
import { AgentLease } from './agents/agent-lease.ts';
import { AuditEntry } from './audit/audit-entry.ts';
import { Budget } from './budgets/budget.ts';
import { BudgetReservation } from './budgets/budget-reservation.ts';
import { CanaryRow } from './canaries/canary-row.ts';
import { Conversation } from './conversations/conversation-row.ts';
import { ConversationTurn } from './conversations/conversation-turn.ts';
import { EvalRun } from './evals/eval-run.ts';
import { EvalScore } from './evals/eval-score.ts';
import { GraphRequirement } from './evals/graph-requirement.ts';
import { AgentComponent } from './graphs/agent-component.ts';
import { AgentGraph } from './graphs/agent-graph.ts';
import { ComponentConnection } from './graphs/component-connection.ts';
import { AgentMessage } from './messaging/agent-message.ts';
import { ProviderKey } from './models/provider-key.ts';
import { RetentionPolicy } from './retention/retention-policy.ts';
import { ActivityEffect } from './system/activity-effect.ts';
import { OperationKey } from './system/operation-key.ts';
import { OutboxEntry } from './system/outbox-entry.ts';
import { SystemConfig } from './system/system-config.ts';
import { Tenant } from './system/tenant.ts';
import { Artifact } from './tasks/artifact.ts';
import { ConcurrencySlot } from './tasks/concurrency-slot.ts';
import { Task } from './tasks/task.ts';
import { TaskDependency } from './tasks/task-dependency.ts';
import { TaskFork } from './tasks/task-fork.ts';
import { AgentTemplate } from './templates/agent-template.ts';
import { ComponentTemplate } from './templates/component-template.ts';
import { ModelCall } from './thinking/model-call.ts';
import { ToolCall } from './thinking/tool-call.ts';
import { Approval } from './tools/approval.ts';
import { Grant } from './tools/grant.ts';
import { GrantUse } from './tools/grant-use.ts';
import { OfferedToolRow } from './tools/offered-tool.ts';
import { ToolPolicyRow } from './tools/tool-policy-row.ts';
import { ToolSourceRow } from './tools/tool-source-row.ts';
import { AgentRun } from './traces/agent-run.ts';
import { AgentTrace } from './traces/agent-trace.ts';
import { TraceEvent } from './traces/trace-event.ts';
import { RunWait } from './waits/run-wait.ts';
import { TaskMessage } from './waits/task-message.ts';

/** Every entity of Muster. Nothing is discovered by searching folders. */
export const ENTITIES = {
  Tenant,
  SystemConfig,
  Agent,
  AgentHeartbeat,
  AgentLease,
  AgentGraph,
  AgentComponent,
  ComponentConnection,
  ComponentTemplate,
  AgentTemplate,
  Task,
  TaskDependency,
  TaskFork,
  ConcurrencySlot,
  Artifact,
  AgentTrace,
  AgentRun,
  TraceEvent,
  AgentMessage,
  ActivityEffect,
  OperationKey,
  ProviderKey,
  OutboxEntry,
  AuditEntry,
  RetentionPolicy,
  Grant,
  ToolPolicyRow,
  GrantUse,
  OfferedToolRow,
  ToolSourceRow,
  Approval,
  Budget,
  BudgetReservation,
  ModelCall,
  ToolCall,
  Conversation,
  ConversationTurn,
  CanaryRow,
  EvalRun,
  EvalScore,
  GraphRequirement,
  RunWait,
  TaskMessage,
};
