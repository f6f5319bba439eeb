import type { RiskClass } from '../agents/risk.ts';
import type { Json, JsonObject } from '../json.ts';

/** The states of an approval. It is decided once; one that has expired keeps its state. */
export const APPROVAL_STATES = ['waiting', 'approved', 'rejected'] as const;

/** The signal that tells a task's workflow of a decision. */
export const APPROVAL_DECIDED = 'approvalDecided';

/** What a decision leads to. */
export interface DecidedApproval {
  readonly id: string;
  readonly state: (typeof APPROVAL_STATES)[number];
  readonly agent: string;
  /** Null where a node of the graph asked. */
  readonly tool: string | null;
}

/** What a person is asked: about a call of a tool, or what a node asks. Arguments are inside an object, so that `null` among them stays apart from none. */
export interface ApprovalRequest {
  /** Of the call; the input of a node that asks. */
  readonly arguments: Json;
  /** Null where a node asks. */
  readonly risk: RiskClass | null;
  readonly onBehalfOf: readonly string[];
  /** Of the tool, as it was when it was called; absent where it cannot change. */
  readonly toolDigest?: string;
  /** The tool's JSON Schema; absent where it is not known or too large. */
  readonly inputSchema?: JsonObject;
  /** Why a person is asked; what a node asks. */
  readonly reason: string;
}

/** What a person said. */
export interface ApprovalDecision {
  /** Of the call that made it: the same call again has decided already. */
  readonly callId: string;
  /** Why it was rejected. */
  readonly reason?: string;
  /** With what it is to be called instead. Any JSON: `false`, `0`, `""` and `null` are arguments too. */
  readonly arguments?: Json;
  /** Of the call that may be made; absent where it was rejected. */
  readonly digest?: string;
}
