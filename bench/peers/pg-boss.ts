import { PgBoss } from 'pg-boss';
import { type Peer, serve } from './serve.ts';

/** The peer for submits: pg-boss with its default settings, and so with ten connections. */
const QUEUE = 'nothing';
const BATCH = 1_000;
const DATA = { label: 'bench' };

async function openPgBoss(connectionString: string): Promise<Peer> {
  const boss = new PgBoss(connectionString);
  await boss.start();
  await boss.createQueue(QUEUE);
  const jobs = Array.from({ length: BATCH }, () => ({ data: DATA }));
  return {
    works: {
      insert: () => boss.insert(QUEUE, jobs),
      send: () => boss.send(QUEUE, DATA),
    },
    close: () => boss.stop({ graceful: false }),
  };
}

await serve(openPgBoss);
