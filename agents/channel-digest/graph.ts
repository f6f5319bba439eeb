import { z } from 'zod';
import { defineGraph } from '../../index.ts';
import {
  decisionAnalyst,
  highlightAnalyst,
  participantAnalyst,
  questionAnalyst,
  sentimentAnalyst,
  topicAnalyst,
} from './agents/analysts.ts';
import { modelFinder } from './agents/edition.ts';
import { composer, critic, reviser } from './agents/editors.ts';
import { publisher } from './agents/publisher.ts';
import { reader } from './agents/reader.ts';
import { editionRound } from './edition-graph.ts';

/** A draft that scores less is revised, at most twice. */
const LEAST_SCORE = 0.82;
/** Rounds of an edition by models, three calls each. */
const MOST_ROUNDS = 2;
/** Reading malformed text again gives the same fault. */
const ONE_TRY = { maxRetries: 0, timeoutMs: 120_000 };
const LONG = { timeoutMs: 120_000 };

const transcript = '/nodes/read';
const findings = '/nodes/compose/findings';

/**
 * The channel digest: reads a talk, has it analysed from six sides at once, composes a report, has it reviewed and
 * revised at most twice, and publishes it as Markdown whose every statement cites its lines. Where the worker has a model,
 * models make an edition meanwhile, which is published instead if its critic accepts it.
 */
export const channelDigest = defineGraph({
  name: 'channel-digest',
  description: 'Digests a chat export, meeting notes or prose into a report whose every statement cites its lines.',
  width: 6,
  input: z.object({
    /** The source, up to 10 MB of text. */
    text: z.string().min(1).max(10_000_000),
    /** What the report calls the source; its ending helps to tell broken JSON from text. */
    name: z.string().max(255).optional(),
    /** Names by the ids that the source uses for people, as a Slack archive's users.json has them. */
    names: z.record(z.string(), z.string().max(255)).optional(),
    /** Which chat of an export that holds several, by its name. */
    chat: z.string().max(255).optional(),
    /** Most topics to report. Default 6. */
    maxTopics: z.int().min(1).max(20).optional(),
  }),
  document: 'text',
  nodes: {
    read: {
      agent: reader,
      input: {
        text: '/task/text',
        name: { pointer: '/task/name', optional: true },
        names: { pointer: '/task/names', optional: true },
        chat: { pointer: '/task/chat', optional: true },
      },
      budget: ONE_TRY,
    },
    participants: { agent: participantAnalyst, input: { transcript } },
    topics: {
      agent: topicAnalyst,
      input: { transcript, maxTopics: { pointer: '/task/maxTopics', optional: true } },
      budget: LONG,
    },
    decisions: { agent: decisionAnalyst, input: { transcript }, budget: LONG },
    questions: { agent: questionAnalyst, input: { transcript }, budget: LONG },
    sentiment: { agent: sentimentAnalyst, input: { transcript }, budget: LONG },
    highlights: { agent: highlightAnalyst, input: { transcript }, budget: LONG },
    compose: {
      agent: composer,
      input: {
        transcript,
        participants: '/nodes/participants/participants',
        topics: '/nodes/topics/topics',
        decisions: '/nodes/decisions/decisions',
        actionItems: '/nodes/decisions/actionItems',
        openQuestions: '/nodes/questions/open',
        answeredQuestions: '/nodes/questions/answered',
        sentiment: '/nodes/sentiment',
        highlights: '/nodes/highlights/highlights',
      },
    },
    review: { agent: critic, input: { draft: '/nodes/compose/draft', findings, transcript } },
    // No revision makes a talk readable that is in a language or a format which nobody here reads.
    'can-be-read': { condition: { pointer: '/nodes/read/legibility', is: 'gt', value: 0 } },
    'needs-revision': { condition: { pointer: '/nodes/review/score', is: 'lt', value: LEAST_SCORE } },
    revise: {
      agent: reviser,
      input: { draft: '/nodes/compose/draft', review: '/nodes/review', findings },
      when: { 'needs-revision': 'true', 'can-be-read': 'true' },
    },
    'review-revision': { agent: critic, input: { draft: '/nodes/revise/draft', findings, transcript } },
    'needs-second-revision': { condition: { pointer: '/nodes/review-revision/score', is: 'lt', value: LEAST_SCORE } },
    'revise-again': {
      agent: reviser,
      input: { draft: '/nodes/revise/draft', review: '/nodes/review-revision', findings },
      when: { 'needs-second-revision': 'true' },
    },
    'review-second-revision': { agent: critic, input: { draft: '/nodes/revise-again/draft', findings, transcript } },
    // Whether there is a model is asked in each task: it is the same graph on workers with and without one.
    model: { agent: modelFinder },
    'has-model': { condition: { pointer: '/nodes/model/isThere', is: 'truthy' } },
    edit: {
      repeat: editionRound,
      until: { pointer: '/output/review/score', is: 'gte', value: LEAST_SCORE },
      most: MOST_ROUNDS,
      input: { transcript, findings },
      when: { 'has-model': 'true' },
    },
    publish: {
      agent: publisher,
      input: {
        transcript,
        findings,
        draft: '/nodes/compose/draft',
        review: '/nodes/review',
        firstDraft: { pointer: '/nodes/revise/draft', optional: true },
        firstReview: { pointer: '/nodes/review-revision', optional: true },
        secondDraft: { pointer: '/nodes/revise-again/draft', optional: true },
        secondReview: { pointer: '/nodes/review-second-revision', optional: true },
        hasModel: '/nodes/model/isThere',
        // Without a model, or where models fail or come to no accepted edition, that of the rules is published.
        edition: { pointer: '/nodes/edit', optional: true },
      },
    },
  },
  output: '/nodes/publish',
});
