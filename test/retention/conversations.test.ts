import assert from 'node:assert/strict';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { pruneAll } from '../../operations/retention/prune.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';

describe('retention of conversations', () => {
  let muster: MusterUnderTest;
  let database: Database;

  before(async () => {
    muster = await openMuster('retention of conversations');
    database = openDatabase({ url: muster.databaseUrl, poolSize: 2, applicationName: 'retention' });
  });
  after(async () => {
    await database?.close();
    await muster?.close();
  });

  const sql = (text: string) => behindTheBack<{ id: string }>(muster, text);
  const conversation = (id: string, days: number, turn: string) =>
    sql(`
    insert into muster.conversations (tenant_id, id, graph_name, turn_count, updated_at)
    values ('default', '${id}', 'talk', 1, now() - interval '${days} days');
    insert into muster.conversation_turns (tenant_id, conversation_id, number, text, graph_name, state, ended_at)
    values ('default', '${id}', 1, 'hello', 'talk', ${turn})`);
  const left = async () => [
    (await sql('select id from muster.conversations order by 1')).map(({ id }) => id),
    (await sql('select conversation_id as id from muster.conversation_turns order by 1')).map(({ id }) => id),
  ];
  const pruned = async (dryRun: boolean) =>
    (await pruneAll(database, { dryRun })).find(({ resource }) => resource === 'conversations')?.rows;

  it('C082: removes those in which nobody speaks any more with their turns, and none whose turn is to come', async () => {
    await conversation('old', 366, `'answered', now()`);
    await conversation('open', 366, `'queued', null`);
    await conversation('young', 364, `'answered', now()`);
    const all = ['old', 'open', 'young'];

    const [counted, before, removed] = [await pruned(true), await left(), await pruned(false)];

    assert.deepEqual([counted, removed], [1, 1]);
    assert.deepEqual(before, [all, all]);
    assert.deepEqual(await left(), [all.slice(1), all.slice(1)]);
  });
});
