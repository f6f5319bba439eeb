import { createHash } from 'node:crypto';
import { z } from 'zod';
import { NODE_KINDS, OUTCOMES } from '../../domain/graphs/kinds.ts';
import { type Json, type JsonObject, toJson } from '../../domain/json.ts';
import type { FinishReason } from '../../domain/models/model-messages.ts';
import { TERMINAL_TASK_STATUSES } from '../../domain/tasks/task-status.ts';
import { MODEL_CALL_STATES, TOOL_CALL_STATES } from '../../domain/thinking/states.ts';
import { TRACE_EVENT_TYPES } from '../../domain/traces/events.ts';
import { parsePath } from '../../domain/traces/path.ts';
import { SETTLED_RUN_STATUSES } from '../../domain/traces/trace-status.ts';

/**
 * A task in a file: JSON Lines, each an object that says in `is` what it is. The head, the graphs, the task, its artifacts
 * with their bytes, then each trace with its runs, events and calls, and the end. Ids are those of the installation that
 * wrote it, and mean something within the file only.
 */
export const FORMAT = 'muster-task';
export const FORMAT_VERSION = 1;

/** The longest line. Characters. The bytes of an artifact take several lines. */
export const MAX_LINE_LENGTH = 8_000_000;

const json = z.custom<Json>((value) => toJson(value).ok, 'JSON that PostgreSQL can keep');
const object = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && toJson(value).ok,
  'an object',
);
const text = z
  .string()
  .max(100_000)
  .refine((value) => toJson(value).ok, 'a text that PostgreSQL can keep');
const path = z.string().refine((value) => parsePath(value) !== null, "a run's path");
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0).max(2_147_483_647);
const moment = z.iso.datetime().transform((value) => new Date(value));
const times = { startedAt: moment.nullable(), finishedAt: moment.nullable() };
/** Where a value is: in the line, in an artifact, or in another run. */
const value = { output: json, artifact: z.uuid().nullable() };
const answer = z.strictObject({
  ...{
    text: z.string(),
    finish: z.enum([
      'stop',
      'tool_calls',
      'length',
      'content_filter',
      'other',
    ] as const satisfies readonly FinishReason[]),
  },
  calls: z.array(z.strictObject({ id: text, tool: text, arguments: json, fault: text.optional() })).max(10_000),
});
const result = z.strictObject({ text: z.string(), artifactId: z.uuid().optional(), effectKey: text.optional() });
const failure = z.strictObject({ code: text, message: text, node: path.optional() });

/** How each line is read. */
export const LINES = {
  head: z.strictObject({
    is: z.literal('head'),
    format: z.literal(FORMAT),
    version: z.int(),
    /** Whether inputs, outputs and what models and tools said are in it. */
    contents: z.boolean(),
    traces: count.min(1).max(10_000),
  }),
  graph: z.strictObject({ is: z.literal('graph'), hash: digest, definition: json }),
  task: z.strictObject({
    ...{ is: z.literal('task'), id: z.uuid(), title: text.max(500), status: z.enum(TERMINAL_TASK_STATUSES) },
    ...{ graph: digest, input: json, inputArtifact: z.uuid().nullable(), ...value },
    ...{ error: failure.nullable(), createdAt: moment, ...times },
  }),
  artifact: z.strictObject({
    ...{ is: z.literal('artifact'), id: z.uuid(), name: text.max(1_000), mediaType: text.max(1_000) },
    ...{ sha256: digest, bytes: count },
  }),
  bytes: z.strictObject({ is: z.literal('bytes'), content: z.base64() }),
  trace: z.strictObject({
    ...{ is: z.literal('trace'), number: count.min(1), graph: digest, status: z.enum(TERMINAL_TASK_STATUSES) },
    ...{ error: failure.nullable(), reply: text, createdAt: moment, finishedAt: moment },
  }),
  run: z.strictObject({
    ...{ is: z.literal('run'), path, agent: text, kind: z.enum(NODE_KINDS), status: z.enum(SETTLED_RUN_STATUSES) },
    ...{ attempts: count, failures: count, crashes: count, outcome: z.enum(OUTCOMES).nullable() },
    ...{ ...value, outputOf: path.nullable(), errorCode: text.nullable(), errorText: text.nullable() },
    ...{ startedAt: moment.nullable(), finishedAt: moment },
  }),
  event: z.strictObject({
    ...{ is: z.literal('event'), type: z.enum(TRACE_EVENT_TYPES), path: path.nullable(), data: json, at: moment },
  }),
  model: z.strictObject({
    ...{ is: z.literal('model'), path, step: count.min(1), agent: text, model: text, provider: text.nullable() },
    ...{ state: z.enum(MODEL_CALL_STATES), requestHash: text, attempts: count, failures: count },
    ...{ answer: answer.nullable(), fault: text.nullable(), error: object.nullable() },
    ...{ inputTokens: count, cachedTokens: count, outputTokens: count, reasoningTokens: count },
    ...{ costMicros: z.int().min(0), startedAt: moment, finishedAt: moment.nullable() },
  }),
  tool: z.strictObject({
    ...{ is: z.literal('tool'), path, step: count.min(1), index: count, agent: text, tool: text, callId: text },
    ...{ arguments: json, digest: text, state: z.enum(TOOL_CALL_STATES), attempts: count },
    ...{ decision: object.nullable(), result: result.nullable(), ...times },
  }),
  end: z.strictObject({ is: z.literal('end'), lines: count, digest }),
} as const;

export type LineKind = keyof typeof LINES;
export type Line = { readonly [Kind in LineKind]: z.infer<(typeof LINES)[Kind]> }[LineKind];
export type LineOf<Kind extends LineKind> = z.infer<(typeof LINES)[Kind]>;

/** A line before it is text: moments as they are. */
export type WrittenLine = { readonly is: LineKind } & Readonly<Record<string, unknown>>;

/** What of the lines so far is known: each line is bound to all before it. */
export interface LineChain {
  readonly lines: number;
  /** SHA-256 in lower-case hexadecimal. */
  readonly digest: string;
}

export const NO_LINES: LineChain = { lines: 0, digest: createHash('sha256').update(FORMAT).digest('hex') };

/** The chain with one more line. */
export function chained({ lines, digest: before }: LineChain, line: string): LineChain {
  const next = createHash('sha256').update(before).update('\n').update(line);
  return { lines: lines + 1, digest: next.digest('hex') };
}
