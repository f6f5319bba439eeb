// A research team: a planner hands its questions to researchers, who work side by side and hand what they found to a writer;
// an editor has the last word. The whole team has one budget.
//
//   npm run -s muster -- run examples/research-team.ts --script examples/data/research-team.script.json
//
// You see each agent end, the report, every step with its tools and tokens, and what is left of the budget. The script
// plays the models; without --script, the model `default` of MUSTER_MODELS thinks.
import { connect, defineAgent, defineGraph, defineTool } from '@muster-run/muster';
import { startWorker } from '@muster-run/muster/worker';
import { z } from 'zod';

const NOTES = [
  'Green tea turns bitter above 80 °C; 70 to 80 °C suit most kinds (tea book, page 12).',
  'Green tea steeps for two to three minutes; a second pot takes half a minute less (tea book, page 14).',
  'Black tea wants boiling water and four minutes (tea book, page 20).',
];

const searchNotes = defineTool({
  name: 'search-notes',
  description: 'Finds the notes in which a word stands.',
  risk: 'read_only',
  input: z.object({ word: z.string() }),
  output: z.object({ notes: z.array(z.string()) }),
  handle: ({ word }) => ({ notes: NOTES.filter((note) => note.toLowerCase().includes(word.toLowerCase())) }),
});

const topic = z.object({ topic: z.string() });
const finding = z.object({ answer: z.string(), source: z.string() });
const report = z.object({ title: z.string(), text: z.string() });

const planner = defineAgent({
  name: 'planner',
  input: topic,
  output: z.object({ questions: z.array(z.string()).min(1).max(4) }),
  model: 'default',
  instructions: 'You plan research. Break the topic into at most four questions that notes can answer.',
});

const researcher = defineAgent({
  name: 'researcher',
  input: topic.extend({ question: z.string() }),
  output: finding,
  model: 'default',
  instructions: 'You research one question. Search the notes, and answer with nothing that they do not say.',
  tools: [searchNotes],
  limits: { steps: 4 },
});

const writer = defineAgent({
  name: 'writer',
  input: topic.extend({ findings: z.array(finding) }),
  output: report,
  model: 'default',
  instructions: 'You write a report from the findings. Name the source of each statement.',
});

const editor = defineAgent({
  name: 'editor',
  input: z.object({ draft: report, findings: z.array(finding) }),
  output: report,
  model: 'default',
  instructions: 'You edit a draft: shorten it, and strike what no finding says.',
});

/** What is done for each question. */
const investigation = defineGraph({
  name: 'investigation',
  input: topic.extend({ item: z.string(), index: z.number() }),
  nodes: { find: { agent: researcher, input: { topic: '/task/topic', question: '/task/item' } } },
  output: '/nodes/find',
});

const team = defineGraph({
  name: 'research-team',
  input: topic,
  nodes: {
    plan: { agent: planner, input: { topic: '/task/topic' } },
    research: { each: investigation, items: '/nodes/plan/questions', width: 2, input: { topic: '/task/topic' } },
    write: { agent: writer, input: { topic: '/task/topic', findings: '/nodes/research' } },
    edit: { agent: editor, input: { draft: '/nodes/write', findings: '/nodes/research' } },
  },
  output: '/nodes/edit',
});

const worker = await startWorker({ graphs: [team] });
const muster = await connect();

// Hard limits of the whole task: what a call may cost is reserved before it, and a call that does not fit is not made.
const budget = { tokens: '60k', money: 0.25, steps: 16, minutes: 10 };
const task = await muster.submit('research-team', { topic: 'How to make green tea' }, { budget });
for await (const { type, path } of task.events()) if (type === 'run.completed') console.log(`done: ${path}`);
const { output } = await task.result();
const { title, text } = report.parse(output);
console.log(`\n${title}\n${text}`);

const { traces, budget: spent } = await task.show();
console.log('\nsteps:');
const steps = traces.at(-1)?.steps ?? [];
const inTime = steps.toSorted((one, other) => Number(one.startedAt) - Number(other.startedAt));
for (const { path, step, tools, inputTokens, outputTokens } of inTime) {
  const called = tools.map(({ tool, state }) => `, ${tool} ${state}`).join('');
  console.log(`  ${path} ${step}: ${inputTokens} + ${outputTokens} tokens${called}`);
}
console.log('\nbudget, money in millionths and time in milliseconds:');
for (const { what, spent: used, limit } of spent?.limits ?? []) console.log(`  ${what}: ${used} of ${limit}`);
console.log(`the whole tree: ${process.env.MUSTER_COMMAND ?? 'npx muster'} show ${task.id}`); // `muster run` sets it

await muster.close();
await worker.stop();
