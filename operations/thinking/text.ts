import { type AnswerText, ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import { wholeNumber } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { RUN_FIELDS, type RunInput } from './text-fields.ts';

/** Of one reply. */
const MOST_CHARACTERS = 100_000;

export interface TextInput extends RunInput {
  readonly step: number;
  /** Characters to leave out at the beginning. @defaultValue 0 */
  readonly from?: number;
}

/** Null while there is no answer. */
export const readText = defineOperation({
  name: 'thinking.text',
  summary: "Reads the text of a model's stored answer, up to 100,000 characters at once.",
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'tasks:read',
  unit: 'statement',
  input: {
    ...RUN_FIELDS,
    step: wholeNumber({ min: 1, max: 999_999 }),
    from: wholeNumber({ min: 0, max: 999_999_999 }).optional(),
  },
  handle: ({ em, caller }, { traceId, path, step, from = 0 }: TextInput): Promise<AnswerText | null> =>
    new ThinkingRepository(em).answerText({
      ...{ tenant: caller.tenant, traceId, path, step, from },
      most: MOST_CHARACTERS,
    }),
});
