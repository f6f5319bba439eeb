// A support desk of one agent: it reads a ticket, looks the order up and asks to pay it back, which a person has to allow.
//
//   npm run -s muster -- run examples/support-triage.ts --script examples/data/support-triage.script.json
//
// You see each decision on a call of a tool. At the refund it waits: approve or reject it in a second terminal, with the
// command that it prints. The script plays the model; without --script, the model `default` of MUSTER_MODELS thinks.
import { connect, defineAgent, defineGraph, defineTool } from '@muster-run/muster';
import { startWorker } from '@muster-run/muster/worker';
import { z } from 'zod';

const ORDERS = new Map([['A-17', { item: 'a tea pot', paid: 20, state: 'lost by the carrier' }]]);

/** A bank, which knows a payment by its key: the same key pays nothing more, and has the same receipt. */
const payments = new Map<string, string>();
function payBack(order: string, amount: number, key: string): string {
  const receipt = payments.get(key) ?? `R-${payments.size + 1}, ${amount.toFixed(2)} for ${order}`;
  payments.set(key, receipt);
  return receipt;
}

const lookUpOrder = defineTool({
  name: 'look-up-order',
  description: 'Finds an order by its number: what was bought, what was paid, where it is.',
  risk: 'read_only',
  input: z.object({ order: z.string() }),
  output: z.object({ item: z.string(), paid: z.number(), state: z.string() }),
  handle({ order }) {
    const found = ORDERS.get(order);
    if (found === undefined) throw new Error(`There is no order ${order}.`);
    return found;
  },
});

const refund = defineTool({
  name: 'refund',
  description: 'Pays an amount of an order back.',
  risk: 'external_write', // refused, unless a grant lets the agent use it
  effect: 'keyed', // a repetition after a crash brings the same key
  input: z.object({ order: z.string(), amount: z.number() }),
  output: z.object({ receipt: z.string() }),
  handle: ({ order, amount }, { effect }) =>
    effect('pay-back', {
      request: { order, amount },
      call: async (key) => ({ receipt: payBack(order, amount, key) }),
      whenInDoubt: 'repeat',
    }),
});

const triage = defineAgent({
  name: 'triage',
  description: 'Answers support tickets.',
  input: z.object({ ticket: z.string() }),
  output: z.object({ severity: z.enum(['low', 'high']), reply: z.string() }),
  model: 'default',
  instructions:
    'You work at a support desk. Look the order of the ticket up. If it never arrived, pay it back. Then answer the customer in a sentence or two.',
  tools: [lookUpOrder, refund],
  limits: { steps: 6 },
});

const desk = defineGraph({
  name: 'support-triage',
  input: z.object({ ticket: z.string() }),
  nodes: { triage: { agent: triage, input: { ticket: '/task/ticket' } } },
  output: '/nodes/triage',
});

/** What a trace tells of each decision on a call of a tool: by rule, by grant, by a person. */
const decision = z.object({
  tool: z.string(),
  verdict: z.enum(['allowed', 'denied', 'waits', 'approved', 'rejected']),
  reason: z.string().nullable(),
  approvalId: z.string().nullable(),
});
const MUSTER = process.env.MUSTER_COMMAND ?? 'npx muster'; // `muster run` sets it to what was typed before `run`

const worker = await startWorker({ graphs: [desk] });
const muster = await connect();
// Under a key, so that the next start grants nothing more.
const rule = { agent: 'triage', tool: 'refund', approval: true, perTask: 1 };
await muster.call('grants.allow', rule, { key: 'triage-may-refund' });

const ticket = 'Order A-17 never arrived. I want my money back.';
const task = await muster.submit('support-triage', { ticket });
console.log(`ticket: ${ticket}`);
for await (const { type, data } of task.events()) {
  if (type !== 'tool.decided') continue;
  const { tool, verdict, reason, approvalId } = decision.parse(data);
  console.log(`${tool}: ${verdict}${reason === null ? '' : `. ${reason}`}`);
  if (verdict === 'waits') console.log(`  in a second terminal: ${MUSTER} approve ${approvalId}`);
}
const { output } = await task.result();
console.log('answer:', output);
console.log(`the whole story: ${MUSTER} show ${task.id}`);

await muster.close();
await worker.stop();
