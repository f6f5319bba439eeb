import { z } from 'zod';
import { defineGraph } from '../../index.ts';
import { assembler, briefer, modelCritic, selector, settler, summariser } from './agents/edition.ts';

const transcript = '/task/transcript';
const findings = '/task/findings';
const faults = '/nodes/brief/faults';

/** One round of the edition that models make: they sum up, compose and judge, and the rules have the last word. */
export const editionRound = defineGraph({
  name: 'digest-edition',
  input: z.object({ transcript: z.unknown(), findings: z.unknown(), iteration: z.int(), previous: z.unknown() }),
  nodes: {
    brief: { agent: briefer, input: { transcript, findings, previous: '/task/previous' } },
    summarise: { agent: summariser, input: { talk: '/nodes/brief/talk', faults } },
    compose: {
      agent: selector,
      input: { statements: '/nodes/brief/statements', summary: '/nodes/summarise/summary', faults },
    },
    assemble: {
      agent: assembler,
      input: { transcript, findings, summary: '/nodes/summarise/summary', keep: '/nodes/compose/keep' },
    },
    judge: {
      agent: modelCritic,
      input: { talk: '/nodes/brief/talk', report: '/nodes/assemble/report', leftOut: '/nodes/assemble/leftOut' },
    },
    settle: {
      agent: settler,
      input: { draft: '/nodes/assemble/draft', verdict: '/nodes/judge', transcript, round: '/task/iteration' },
    },
  },
  output: '/nodes/settle',
});
