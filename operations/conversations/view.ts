import {
  type ConversationKey,
  type ConversationRecord,
  ConversationRepository,
} from '../../entities/conversations/conversation-repository.ts';
import {
  ConversationTurnRepository,
  type TurnRecord,
} from '../../entities/conversations/conversation-turn-repository.ts';
import { wholeNumber, yesOrNo } from '../../options/fields.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { listed } from '../tasks/task-fields.ts';
import { ConversationUnknown } from './conversation-errors.ts';
import { conversationId } from './conversation-fields.ts';

const READ = { effect: 'read', risk: 'data_exfiltration_risk', permission: 'conversations:read' } as const;

/** A conversation as a reader sees it. */
export interface ConversationView extends Pick<ConversationRecord, 'id' | 'createdAt' | 'updatedAt'> {
  /** The graph of its last turn. */
  readonly graph: string;
  /** Who began it; null where nobody was named. */
  readonly user: string | null;
  /** How many inputs it has had. */
  readonly turnCount: number;
}

/** A conversation with its last turns, oldest first. */
export interface ConversationWithTurns extends ConversationView {
  readonly turns: readonly TurnRecord[];
}

export interface ConversationOptions {
  /** So many of the last turns: 1 to 500. @defaultValue 50 */
  readonly limit?: number;
  /** Those too that were rolled back. @defaultValue false */
  readonly rolledBack?: boolean;
}

export const viewConversation = defineOperation({
  ...READ,
  name: 'conversations.view',
  summary: 'Shows a conversation with its last turns.',
  unit: 'tenant',
  input: { conversation: conversationId, limit: listed, rolledBack: yesOrNo.optional() },
  async handle(call, options: ConversationOptions & { readonly conversation: string }): Promise<ConversationWithTurns> {
    const { conversation, limit = 50, rolledBack = false } = options;
    const key = keyIn(call, conversation);
    const found = await new ConversationRepository(call.em).find(key);
    if (found === null) throw new ConversationUnknown(key.tenantId, conversation);
    const turns = await new ConversationTurnRepository(call.em).last(key, { limit, rolledBack });
    return { ...viewOf(found), turns };
  },
});

export interface TurnInput {
  readonly conversation: string;
  readonly turn: number;
}

/** The highest number that a turn can have. */
const MAX_TURN = 2_147_483_647;

export const readTurn = defineOperation({
  ...READ,
  name: 'conversations.read',
  summary: 'Reads one turn of a conversation: its input, where it stands, and the reply.',
  unit: 'statement',
  input: { conversation: conversationId, turn: wholeNumber({ min: 1, max: MAX_TURN }) },
  async handle(call, { conversation, turn }: TurnInput): Promise<TurnRecord> {
    const key = keyIn(call, conversation);
    const found = await new ConversationTurnRepository(call.em).find(key, turn);
    if (found === null) throw new ConversationUnknown(key.tenantId, conversation, turn);
    return found;
  },
});

export const listConversations = defineOperation({
  ...READ,
  name: 'conversations.list',
  risk: 'read_only',
  summary: 'Lists conversations, the one that was spoken in last first.',
  unit: 'statement',
  input: { limit: listed },
  async handle({ em, caller }, { limit = 50 }: { readonly limit?: number }): Promise<ConversationView[]> {
    return (await new ConversationRepository(em).list(caller.tenant, limit)).map(viewOf);
  },
});

function keyIn({ caller }: CallInUnit, conversation: string): ConversationKey {
  return { tenantId: caller.tenant, conversationId: conversation };
}

function viewOf({ id, graphName, userId, turnCount, createdAt, updatedAt }: ConversationRecord): ConversationView {
  return { id, graph: graphName, user: userId, turnCount, createdAt, updatedAt };
}
