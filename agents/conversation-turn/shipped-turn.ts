import { defineTurn } from '../../index.ts';
import { answerer, critic, recaller, router } from './agents.ts';

/**
 * The graph of conversations that name none. With a model it answers and has its answers judged; without one it says what
 * was said before of the same.
 */
export const conversationTurn = defineTurn({
  name: 'conversation-turn',
  description:
    'Answers what is said in a conversation: with a model where there is one, by what was said before where not.',
  routes: { recall: recaller, answer: answerer },
  router,
  fallback: 'recall',
  critic: { agent: critic, routes: ['answer'] },
});
