import { z } from 'zod';
import { ModelSettingsInvalid } from '../../domain/models/model-errors.ts';

const count = z.int().min(0).max(1_000_000_000);
const ms = z.int().min(0).max(3_600_000);
const texts = z.union([z.string(), z.array(z.string())]).transform((given) => [given].flat());

/** What a request has to be like for a turn to answer it. Without any field, every request fits. */
const expectation = z.strictObject({
  /** Texts that stand somewhere in its messages. */
  contains: texts.optional(),
  /** The provider's id of the model. */
  model: z.string().optional(),
  /** The names of all its tools, in any order. */
  toolNames: z.array(z.string()).optional(),
});

const call = z.strictObject({
  tool: z.string(),
  /** A text is sent as it is, JSON or not. */
  arguments: z.unknown(),
  id: z.string().optional(),
});

const answer = z.strictObject({
  text: z.string().optional(),
  /** The text in these pieces, with pauses between them. */
  chunks: z.array(z.union([z.string(), z.strictObject({ pauseMs: ms })])).optional(),
  calls: z.array(call).optional(),
  /** @defaultValue `tool_calls` where there are calls, else `stop` */
  finish: z.string().optional(),
  usage: z
    .strictObject({ input: count, cached: count.optional(), output: count, reasoning: count.optional() })
    .optional(),
  /** Answers with this status and no stream. */
  status: z.int().min(300).max(599).optional(),
  /** The header `retry-after`, in seconds. */
  retryAfter: z.number().min(0).max(100_000).optional(),
  /** The sentence of an error. */
  message: z.string().optional(),
  /** After the last piece nothing comes, and the connection stays open. */
  stall: z.boolean().optional(),
  /** After the last piece the connection is cut. */
  cut: z.boolean().optional(),
});

const turn = z.strictObject({
  expect: expectation.default({}),
  answer,
  /** How often it has to answer; true for as often as it is asked, also never. */
  repeat: z.union([z.literal(true), z.int().min(1).max(1_000_000)]).default(1),
});

const script = z.strictObject({ turns: z.array(turn).min(1) });

/** What a scripted provider answers, in order. */
export type Script = z.infer<typeof script>;
/** The same before its defaults are filled in: as it is written. */
export type WrittenScript = z.input<typeof script>;
export type Turn = Script['turns'][number];
export type ScriptedAnswer = Turn['answer'];

/** Reads a script. @throws ModelSettingsInvalid naming every fault */
export function parseScript(value: unknown, source = 'The script'): Script {
  const parsed = script.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new ModelSettingsInvalid(source, faults);
}
