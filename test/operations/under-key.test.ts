import assert from 'node:assert/strict';
import type { Muster } from '../../index.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

describe('a call under a key', function () {
  this.timeout(60_000);
  let muster: MusterUnderTest;
  let client: Muster;
  before(async () => {
    muster = await openMuster('under key');
    client = muster.client;
  });
  after(() => muster?.close());

  const set = (limit: number, key: string, by = client) =>
    by.call('queue.setLimit', { key: 'graph:keyed', limit }, { key });
  const inForce = async () => (await client.queue()).limits.find(({ key }) => key === 'graph:keyed')?.limit;
  const audited = async () => {
    const url = new URL(muster.stack.superuserUrl);
    url.pathname = new URL(muster.databaseUrl).pathname;
    const statement = "select count(*)::int as count from muster.audit_log where action = 'settings.changed'";
    return withPostgresql(url.toString(), async (database) => (await database.query(statement)).rows[0]?.count);
  };

  it('answers its repetition what it answered first, and undoes no later change', async () => {
    const first = await set(3, 'change-1');
    await client.setLimit('graph:keyed', 7);
    const before = await audited();

    const again = await set(3, 'change-1');

    assert.deepEqual(again, first);
    assert.equal(await inForce(), 7);
    assert.equal(await audited(), before);
  });

  it('is refused with another input, and changes nothing', async () => {
    await set(3, 'change-2');

    await assert.rejects(set(4, 'change-2'), {
      code: 'idempotency_conflict',
      message: 'The key "change-2" belongs to a call of queue.setLimit with another input. Use a new key for new work.',
    });
    assert.equal(await inForce(), 3);
  });

  it('is another call in another tenant, and for another operation', async () => {
    await set(3, 'change-3');
    const other = await muster.connect({ tenant: 'acme' });

    await set(5, 'change-3', other);
    await client.call('queue.setWeight', { tenant: 'acme', weight: 2 }, { key: 'change-3' });

    assert.equal(await inForce(), 5);
  });

  it('leaves its key free when it fails', async () => {
    await assert.rejects(set(-1, 'change-4'), { code: 'settings_invalid' });

    await set(6, 'change-4');

    assert.equal(await inForce(), 6);
  });

  it('happens once, however many make it at the same moment', async () => {
    const before = await audited();

    const answers = await Promise.all(Array.from({ length: 20 }, () => set(9, 'change-5')));

    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal((await audited()) - before, 1);
  });

  it('is refused by an operation that takes no key, and by a name that there is not', async () => {
    await assert.rejects(client.call('tasks.list', {}, { key: 'k' }), {
      code: 'option_invalid',
      message: /tasks\.list takes no `key`/,
    });
    await assert.rejects(client.call('tasks.lits' as 'tasks.list', {}), {
      code: 'option_invalid',
      message: /"tasks\.lits" is not an operation \(did you mean tasks\.list\?\)/,
    });
  });
});
