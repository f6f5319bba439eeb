import { type CountTokens, TOKENS_A_MESSAGE } from './token-count.ts';

/** What the input of a model is put together from, each block with the most that it may take, in tokens. */
const CAPS = {
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
export type BlockName = keyof typeof CAPS;

/** What gives way first. The system block gives way last, and only where the user block is at its least. */
const SHRINKING: readonly BlockName[] = [
  ...(['transcript', 'expert_packets', 'rolling_summary', 'profile_summary', 'relationship_hints', 'intent'] as const),
  ...(['reply_context', 'reply_reference', 'memory', 'user', 'system'] as const),
];
/** Blocks whose newest words stand at their end. */
const KEEPS_TAIL: ReadonlySet<BlockName> = new Set(['transcript', 'reply_context', 'reply_reference', 'user']);

const INPUT_TOKENS = 120_000;
const RESERVED_OUTPUT_TOKENS = 12_000;
/** Below this there is no room for a question with its instructions. */
const LEAST_LIMIT = 200;
/** The part of the limit that the user block keeps in any case, where it needs it. */
const LEAST_USER = 0.25;
/** A block of which less would be left is dropped. */
const LEAST_TOKENS = 16;
const NOTICE = '[Parts of the context were left out or shortened to fit.]';

export interface ContextBlock {
  readonly name: BlockName;
  readonly text: string;
}

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

export interface FittedContext {
  /** In the given order, with the notice right after the system block. */
  readonly blocks: readonly { readonly name: BlockName | 'notice'; readonly text: string }[];
  readonly report: ContextReport;
}

/** How much input a model may be given: never more than 120,000 tokens, and 12,000 are left for its answer. */
export function inputLimit(contextTokens: number): number {
  return Math.max(LEAST_LIMIT, Math.min(INPUT_TOKENS, contextTokens - RESERVED_OUTPUT_TOKENS));
}

/** A block on its way: its text so far. */
interface Fitting extends ContextBlock {
  readonly before: number;
  readonly after: number;
  readonly decision: BlockReport['decision'];
}

/**
 * Fits blocks into a limit: first each into its cap, then one after the other gives way until all fit. The user block is
 * never dropped. Each name at most once.
 * @param limit in tokens, at least 200
 */
export function fitContext(
  given: readonly ContextBlock[],
  { limit, count }: { readonly limit: number; readonly count: CountTokens },
): FittedContext {
  if (limit < LEAST_LIMIT) throw new RangeError(`a context limit is at least ${LEAST_LIMIT} tokens, not ${limit}`);
  const cost = (text: string) => count(text) + TOKENS_A_MESSAGE;
  const notice = cost(NOTICE);
  const blocks = given.map((block) => capped(block, cost));
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

function withNotice(blocks: readonly Fitting[], hasNotice: boolean): FittedContext['blocks'] {
  const left = blocks.filter(({ decision }) => decision !== 'dropped').map(({ name, text }) => ({ name, text }));
  if (!hasNotice) return left;
  const at = left.findIndex(({ name }) => name === 'system') + 1;
  return [...left.slice(0, at), { name: 'notice', text: NOTICE }, ...left.slice(at)];
}

function capped({ name, text }: ContextBlock, cost: CountTokens): Fitting {
  const before = cost(text);
  if (before <= CAPS[name]) return { name, text, before, after: before, decision: 'kept' };
  const cut = cutTo(CAPS[name], { name, text }, cost);
  return { name, text: cut, before, after: cost(cut), decision: 'capped' };
}

function shrunk(block: Fitting, most: number, cost: CountTokens): Fitting {
  if (block.after <= most) return block;
  if (most < LEAST_TOKENS && block.name !== 'user') return { ...block, text: '', after: 0, decision: 'dropped' };
  const text = cutTo(most, block, cost);
  return { ...block, text, after: cost(text), decision: 'shrunk' };
}

/** The head or the tail of a text that costs no more than this. Each guess is shorter, so it ends. */
function cutTo(most: number, { name, text }: ContextBlock, cost: CountTokens): string {
  let length = Math.floor((text.length * most) / Math.max(most, cost(text)));
  for (;;) {
    const part = KEEPS_TAIL.has(name) ? text.slice(text.length - length) : text.slice(0, length);
    const cut = withoutHalves(part);
    const found = length === 0 ? 0 : cost(cut);
    if (found <= most) return cut;
    length = Math.floor(Math.min(length * 0.995, (length * most) / found));
  }
}

/** Without the half of a surrogate pair at either end, which a cut may leave. */
function withoutHalves(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
}
