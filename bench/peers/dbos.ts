import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';
import { Client } from 'pg';
import { rateOf } from '../measure.ts';
import { handedOn } from '../payload.ts';
import { type Peer, serve } from './serve.ts';

/**
 * The peer for graphs of quick nodes: DBOS as its documentation shows it, with ten connections as Muster has by default.
 * Its steps run in this process, and each is a row before the next begins.
 */
const POOL_SIZE = 10;
const QUEUE = 'backlog';
const ENQUEUED_AT_ONCE = 50;
const LOOK_EVERY_MS = 50;

const fiveSteps = DBOS.registerWorkflow(
  async (text: string): Promise<string> => {
    let handed = text;
    for (const name of ['one', 'two', 'three', 'four', 'five']) {
      const given = handed;
      handed = await DBOS.runStep(async () => given, { name });
    }
    return handed;
  },
  { name: 'fiveSteps' },
);

const fanOut = DBOS.registerWorkflow(
  async (label: string): Promise<string[]> => {
    const split = await DBOS.runStep(async () => label, { name: 'split' });
    const parts = Array.from({ length: 8 }, (_, part) => DBOS.runStep(async () => split, { name: `part-${part}` }));
    const labels = await Promise.all(parts);
    return DBOS.runStep(async () => labels, { name: 'join' });
  },
  { name: 'fanOut' },
);

/** Calls a workflow as its users do, and waits for its result. */
async function run<Given>(workflow: (given: Given) => Promise<unknown>, given: Given): Promise<void> {
  const handle = await DBOS.startWorkflow(workflow)(given);
  await handle.getResult();
}

async function openDbos(systemDatabaseUrl: string): Promise<Peer> {
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl, systemDatabasePoolSize: POOL_SIZE, logLevel: 'error' });
  await DBOS.launch();
  return {
    works: {
      fiveSteps: () => run(fiveSteps, handedOn()),
      fanOut: () => run(fanOut, 'bench'),
    },
    drain: (count) => drain(systemDatabaseUrl, count),
    close: () => DBOS.shutdown(),
  };
}

/** Queues workflows while nothing takes them, on a queue without limits, which is DBOS's fastest. */
async function drain(systemDatabaseUrl: string, count: number): Promise<number> {
  await DBOS.shutdown();
  const queueName = `${QUEUE}-${randomUUID()}`;
  const client = await DBOSClient.create({ systemDatabaseUrl, systemDatabasePoolSize: POOL_SIZE });
  await client.registerQueue(queueName);
  const enqueue = () => client.enqueue({ queueName, workflowName: 'fiveSteps' }, handedOn());
  await rateOf({ name: QUEUE, once: enqueue }, { runs: count, inFlight: ENQUEUED_AT_ONCE });
  await client.destroy();
  await DBOS.launch();
  const looking = new Client({ connectionString: systemDatabaseUrl, application_name: 'bench' });
  await looking.connect();
  try {
    for (;;) {
      const { rows } = await looking.query<{ ended: number; took: number }>(
        `select count(*) filter (where status = 'SUCCESS')::int as ended,
          (max(updated_at) - min(started_at_epoch_ms))::int as took
        from dbos.workflow_status where queue_name = $1`,
        [queueName],
      );
      if (rows[0]?.ended === count) return rows[0].took;
      await pause(LOOK_EVERY_MS);
    }
  } finally {
    await looking.end();
  }
}

await serve(openDbos);
