import { text } from '../../options/fields.ts';

/** How the fields of operations on conversations are read. */

/** As long as the name of a budget's scope may be. */
const MAX_CONVERSATION_LENGTH = 200;
const MAX_INPUT_LENGTH = 100_000;

export const conversationId = text({ max: MAX_CONVERSATION_LENGTH });
export const inputText = text({ max: MAX_INPUT_LENGTH });
