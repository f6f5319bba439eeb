import { buildMapping } from '../build-mapping.ts';
import type { ApprovalNode } from '../definition.ts';
import { WAIT_LIMITS } from '../kinds.ts';
import { readMapping } from '../read-mapping.ts';
import { note, type Place, readText } from '../read-unknown.ts';
import type { KindRules } from './kind-rules.ts';
import { readExpiry, WAITING } from './waiting.ts';

/** An approval waits until a person approves what its input says, perhaps with changes; a rejection fails it. */
export const approval: KindRules<ApprovalNode> = {
  ...WAITING,
  property: 'approval',
  written: ['input', 'expiresMs'],
  objective: 'Waits for a person to approve.',
  build: ({ approval: asks = '', input, expiresMs = WAIT_LIMITS.approval }) => ({
    asks,
    input: buildMapping(input),
    expiresMs,
  }),
  fields: ['asks', 'input', 'expiresMs'],
  parse: (field) => ({
    asks: readQuestion(...field('asks')),
    input: readMapping(...field('input')),
    expiresMs: WAIT_LIMITS.approval,
    ...readExpiry(field),
  }),
  plan: { ...WAITING.plan, asks: '' },
  waitsAs: 'waiting_approval',
};

/** The longest question, in characters. */
const MOST_QUESTION = 1_000;

function readQuestion(value: unknown, place: Place): string {
  const asks = readText(value, place);
  const isUsable = asks.trim() !== '' && asks.length <= MOST_QUESTION;
  if (typeof value === 'string' && !isUsable) {
    note(place, 'wait_unusable', `Expected a question of 1 to ${MOST_QUESTION} characters, found ${asks.length}.`);
  }
  return asks;
}
