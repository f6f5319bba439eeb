import { MusterError } from '../../domain/errors.ts';
import type { TenantId } from '../../domain/ids.ts';

/** No conversation of the tenant has this name, or it has no such turn. */
export class ConversationUnknown extends MusterError {
  readonly code = 'conversation_unknown';
  constructor(tenant: TenantId, conversation: string, turn: number | null = null) {
    const what =
      turn === null ? `conversation "${conversation}"` : `turn ${turn} of the conversation "${conversation}"`;
    super(`The tenant "${tenant}" has no ${what}. \`muster conversations\` lists the newest ones.`, {
      ...{ tenant, conversation, turn },
    });
  }
}

/** A turn runs, and the input was not to wait. Nothing was written. */
export class ConversationBusy extends MusterError {
  readonly code = 'conversation_busy';
  override readonly retryable = true;
  constructor(conversation: string, turn: number) {
    super(
      `Turn ${turn} of "${conversation}" is still running. Try again later, or queue the input with ` +
        '`onBusy: "enqueue"`.',
      { conversation, turn },
    );
  }
}

/** The key belongs to another input of the conversation. Nothing was written. */
export class InputKeyConflict extends MusterError {
  readonly code = 'idempotency_conflict';
  constructor(key: string, conversation: string, turn: number) {
    super(
      `The key "${key}" belongs to turn ${turn} of the conversation "${conversation}", which has another input. Use a ` +
        'new key for a new input.',
      { key, conversation, turn },
    );
  }
}
