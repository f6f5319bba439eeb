import { text } from '../../options/fields.ts';
import { MAX_CONVERSATION_LENGTH } from '../tasks/task-fields.ts';

/** How the fields of operations on conversations are read. */

const MAX_INPUT_LENGTH = 100_000;

export const conversationId = text({ max: MAX_CONVERSATION_LENGTH });
export const inputText = text({ max: MAX_INPUT_LENGTH });
