import type { ModelMessage, ModelRequest } from './model-messages.ts';

/** Counts the tokens of a text. */
export type CountTokens = (text: string) => number;

const CHARACTERS_A_TOKEN = 4;
/** What a message costs besides its text. */
export const TOKENS_A_MESSAGE = 4;

/** The estimate for models whose tokens nobody counts. */
export const estimateTokens: CountTokens = (text) => Math.ceil(text.length / CHARACTERS_A_TOKEN);

/** What a request has as input: its messages, tools and output schema, without those that the provider adds. */
export function requestTokens({ messages, tools, output }: ModelRequest, count: CountTokens): number {
  const forms = [...tools.map((tool) => JSON.stringify(tool)), ...(output === null ? [] : [JSON.stringify(output)])];
  return messageTokens(messages, count) + forms.reduce((sum, text) => sum + count(text) + TOKENS_A_MESSAGE, 0);
}

/** What messages have. */
export function messageTokens(messages: readonly ModelMessage[], count: CountTokens): number {
  return messages.reduce((sum, message) => sum + count(messageText(message)) + TOKENS_A_MESSAGE, 0);
}

function messageText(message: ModelMessage): string {
  if (message.role === 'assistant')
    return `${message.text}${message.calls.map((call) => JSON.stringify(call)).join('')}`;
  return message.role === 'tool' ? `${message.tool}${message.text}` : message.text;
}

/** Vocabularies that a counter is known for. */
export type Vocabulary = 'o200k_base' | 'cl100k_base';

const VOCABULARIES: readonly (readonly [RegExp, Vocabulary])[] = [
  [/^(?:chat)?gpt-(?:4o|4\.\d|[5-9]|oss)|^o\d(?:-|$)/, 'o200k_base'],
  [/^gpt-(?:4|3\.5)(?:-|$)/, 'cl100k_base'],
];

/** The vocabulary of a provider's model id, of any host (`openai/gpt-4o`); null for one that is not known. */
export function vocabularyOf(id: string): Vocabulary | null {
  const name = id.slice(id.lastIndexOf('/') + 1).toLowerCase();
  return VOCABULARIES.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}
