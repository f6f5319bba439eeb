import type { ModelRoute } from './model-settings.ts';
import { type CountTokens, TOKENS_A_MESSAGE } from './token-count.ts';

/** What the input of a model is put together from, each block with the most that it may take by default, in tokens. */
export const CONTEXT_CAPS = {
  system: 12_000,
  transcript: 20_000,
  /** What context providers found out. */
  expert_packets: 12_000,
  rolling_summary: 12_000,
  profile_summary: 12_000,
  relationship_hints: 12_000,
  intent: 12_000,
  reply_context: 8_000,
  reply_reference: 8_000,
  memory: 12_000,
  user: 60_000,
} as const;
export type BlockName = keyof typeof CONTEXT_CAPS;

/** What gives way first. The system block gives way last, and only where the user block is at its least. */
const SHRINKING: readonly BlockName[] = [
  ...(['transcript', 'expert_packets', 'rolling_summary', 'profile_summary', 'relationship_hints', 'intent'] as const),
  ...(['reply_context', 'reply_reference', 'memory', 'user', 'system'] as const),
];
/** Blocks whose newest words stand at their end. */
const KEEPS_TAIL: ReadonlySet<BlockName> = new Set(['transcript', 'reply_context', 'reply_reference', 'user']);

/** The most input of one request by default. */
export const INPUT_TOKENS = 120_000;
/** Below this there is no room for a question with its instructions. */
export const LEAST_LIMIT = 200;
/** The part of the limit that the user block keeps in any case, where it needs it. */
const LEAST_USER = 0.25;
/** A block of which less would be left is dropped. */
const LEAST_TOKENS = 16;
const NOTICE = '[Parts of the context were left out or shortened to fit.]';

/** Something that is kept or left out as a whole: one turn of a conversation. */
export interface ContextPart {
  readonly tokens: number;
}

/** Parts in the order of time, of which the newest are kept. */
interface Parts<Part extends ContextPart> {
  readonly parts: readonly Part[];
  /** The same part with at most so many tokens; null where it cannot be so short. */
  readonly shorten: (part: Part, most: number) => Part | null;
}

type Content<Part extends ContextPart> = { readonly text: string } | Parts<Part>;
export type ContextBlock<Part extends ContextPart = never> = { readonly name: BlockName } & Content<Part>;

/** What became of one block. */
export interface BlockReport {
  readonly name: BlockName;
  /** Tokens before and after, 4 for the message included. */
  readonly before: number;
  readonly after: number;
  readonly decision: 'kept' | 'capped' | 'shrunk' | 'dropped';
}

/** What a context budget decided. Plain JSON: it is stored with the call. */
export interface ContextReport {
  readonly limit: number;
  readonly before: number;
  /** Of what is left, the notice included. Never above the limit. */
  readonly after: number;
  /** Tokens of the notice that something is missing; 0 where nothing is. */
  readonly notice: number;
  readonly blocks: readonly BlockReport[];
}

export interface FittedContext<Part extends ContextPart = never> {
  /** In the given order, with the notice right after the system block. */
  readonly blocks: readonly ({ readonly name: BlockName | 'notice' } & Content<Part>)[];
  readonly report: ContextReport;
}

/** How much input a model takes, in tokens, and how they are counted. */
export interface ModelRoom {
  readonly inputTokens: number;
  readonly count: CountTokens;
}

/** What of a model's tokens may be input: the rest is left for the answer, but never more than half. */
export function inputTokensOf({
  contextTokens,
  maxOutputTokens,
}: Pick<ModelRoute, 'contextTokens' | 'maxOutputTokens'>): number {
  return contextTokens - Math.min(maxOutputTokens, Math.floor(contextTokens / 2));
}

/** A block on its way: what is left of it so far. */
type Fitting<Part extends ContextPart> = ContextBlock<Part> & {
  readonly before: number;
  readonly after: number;
  readonly decision: BlockReport['decision'];
};

/** The room for a context, and how its tokens are counted. */
export interface FitOptions {
  /** In tokens, at least 200. */
  readonly limit: number;
  readonly count: CountTokens;
  /** The most of single blocks. @defaultValue CONTEXT_CAPS */
  readonly caps?: Partial<Record<BlockName, number>>;
}

/**
 * Fits blocks into a limit: first each into its cap, then one after the other gives way until all fit. The user block is
 * never dropped. Each name at most once.
 */
export function fitContext<Part extends ContextPart = never>(
  given: readonly ContextBlock<Part>[],
  { limit, count, caps = {} }: FitOptions,
): FittedContext<Part> {
  if (limit < LEAST_LIMIT) throw new RangeError(`a context limit is at least ${LEAST_LIMIT} tokens, not ${limit}`);
  const cost = (text: string) => count(text) + TOKENS_A_MESSAGE;
  const notice = cost(NOTICE);
  const blocks = given.map((block) => capped(block, caps[block.name] ?? CONTEXT_CAPS[block.name], cost));
  const noticeOf = () => (blocks.some(({ decision }) => decision !== 'kept') ? notice : 0);
  const total = () => blocks.reduce((sum, { after }) => sum + after, noticeOf());
  for (const name of SHRINKING) {
    const index = blocks.findIndex((block) => block.name === name);
    const block = blocks[index];
    if (block === undefined || total() <= limit) continue;
    // Whatever gives way brings the notice in.
    const excess = total() + notice - noticeOf() - limit;
    const least = name === 'user' ? Math.floor(limit * LEAST_USER) : 0;
    blocks[index] = shrunk(block, Math.max(block.after - excess, least), cost);
  }
  const report = {
    limit,
    before: blocks.reduce((sum, { before }) => sum + before, 0),
    after: total(),
    notice: noticeOf(),
    blocks: blocks.map(({ name, before, after, decision }) => ({ name, before, after, decision })),
  };
  return { blocks: withNotice(blocks, report.notice > 0), report };
}

function withNotice<Part extends ContextPart>(
  blocks: readonly Fitting<Part>[],
  hasNotice: boolean,
): FittedContext<Part>['blocks'] {
  const left = blocks.filter(({ decision }) => decision !== 'dropped').map(plain);
  if (!hasNotice) return left;
  const at = left.findIndex(({ name }) => name === 'system') + 1;
  return [...left.slice(0, at), { name: 'notice', text: NOTICE }, ...left.slice(at)];
}

function plain<Part extends ContextPart>(block: Fitting<Part>): ContextBlock<Part> {
  const { before: _, after: __, decision: ___, ...left } = block;
  return left;
}

function capped<Part extends ContextPart>(block: ContextBlock<Part>, cap: number, cost: CountTokens): Fitting<Part> {
  const before = costOf(block, cost);
  if (before <= cap) return { ...block, before, after: before, decision: 'kept' };
  return cut({ ...block, before, after: before, decision: 'capped' }, cap, cost);
}

function shrunk<Part extends ContextPart>(block: Fitting<Part>, most: number, cost: CountTokens): Fitting<Part> {
  if (block.after <= most) return block;
  if (most < LEAST_TOKENS && block.name !== 'user') return { ...block, after: 0, decision: 'dropped' };
  return cut({ ...block, decision: 'shrunk' }, most, cost);
}

function cut<Part extends ContextPart>(block: Fitting<Part>, most: number, cost: CountTokens): Fitting<Part> {
  const left =
    'text' in block ? { ...block, text: cutTo(most, block, cost) } : { ...block, parts: newestOf(block, most) };
  return { ...left, after: costOf(left, cost) };
}

function costOf<Part extends ContextPart>(block: ContextBlock<Part>, cost: CountTokens): number {
  return 'text' in block ? cost(block.text) : block.parts.reduce((sum, { tokens }) => sum + tokens, 0);
}

/** The newest parts that fit together; where not even the newest does, what it can be shortened to. */
function newestOf<Part extends ContextPart>({ parts, shorten }: Parts<Part>, most: number): readonly Part[] {
  let left = most;
  const tooOld = parts.findLastIndex(({ tokens }) => {
    left -= tokens;
    return left < 0;
  });
  const newest = parts.at(-1);
  if (newest === undefined || tooOld < parts.length - 1) return parts.slice(tooOld + 1);
  const short = shorten(newest, most);
  return short === null ? [] : [short];
}

/** The head or the tail of a text that costs no more than this. Each guess is shorter, so it ends. */
function cutTo(
  most: number,
  { name, text }: { readonly name: BlockName; readonly text: string },
  cost: CountTokens,
): string {
  let length = Math.floor((text.length * most) / Math.max(most, cost(text)));
  for (;;) {
    const part = KEEPS_TAIL.has(name) ? text.slice(text.length - length) : text.slice(0, length);
    const whole = withoutHalves(part);
    const found = length === 0 ? 0 : cost(whole);
    if (found <= most) return whole;
    length = Math.floor(Math.min(length * 0.995, (length * most) / found));
  }
}

/** Without the half of a surrogate pair at either end, which a cut may leave. */
function withoutHalves(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
}
