import { isStoreOutage } from '../../domain/errors.ts';
import { parsePosition } from '../../domain/thinking/text-position.ts';
import { textLike } from '../../options/fields.ts';
import type { LivePage } from '../../redis/live-texts.ts';
import { defineOperation } from '../define.ts';
import { RUN_FIELDS, type RunInput } from './text-fields.ts';

/** Nothing is to be read: Redis is unavailable, or what was there is gone. */
const NOTHING: LivePage = { pieces: [], isFull: false };

export interface FollowInput extends RunInput {
  /** The place that was heard last, `step.attempt@characters.calls`; `2.0@0.0` for the beginning of step 2. */
  readonly after: string;
}

/**
 * What was said after a place of a step, in a reply of at most 262,144 UTF-16 units. It may miss some, and says nothing of
 * an end: the answer itself is read by `thinking.text`.
 */
export const followText = defineOperation({
  name: 'thinking.follow',
  summary: 'Reads what a model is saying in a run, after a place.',
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'tasks:read',
  // The key holds the tenant, so what another one hears is never found.
  unit: 'none',
  input: { ...RUN_FIELDS, after: textLike('a place like 2.1@340.0', (text) => parsePosition(text) !== null) },
  async handle({ caller, stores }, { traceId, path, after }: FollowInput): Promise<LivePage> {
    const position = parsePosition(after);
    if (position === null) return NOTHING;
    return stores.liveTexts.read({ tenant: caller.tenant, traceId, path }, position).catch((error: unknown) => {
      if (isStoreOutage(error)) return NOTHING;
      throw error;
    });
  },
});
