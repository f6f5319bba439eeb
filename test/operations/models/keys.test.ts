import assert from 'node:assert/strict';
import { openDatabase } from '../../../database/open-orm.ts';
import { SecretBox } from '../../../database/secret-box.ts';
import type { Database } from '../../../database/transaction.ts';
import type { TenantId } from '../../../domain/ids.ts';
import type { Muster } from '../../../index.ts';
import { keyFinder } from '../../../operations/models/find-key.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';

const SECRET_KEY = 'a1'.repeat(32);
const CANARY = 'sk-canary-51f0';

describe('keys for providers', () => {
  let muster: MusterUnderTest;
  let database: Database;
  let acme: Muster;
  before(async () => {
    muster = await openMuster('keys for providers', { environment: { MUSTER_SECRET_KEY: SECRET_KEY } });
    acme = await muster.connect({ tenant: 'acme' });
    database = openDatabase({ url: muster.databaseUrl, applicationName: 'keys test', poolSize: 2 });
  });
  after(async () => {
    await database?.close();
    await muster?.close();
  });

  const finder = (key: string | null = SECRET_KEY) => {
    const keysFor = keyFinder({
      database,
      secrets: new SecretBox(key),
      hostKey: (provider) => (provider === 'main' ? 'of-host' : null),
    });
    return (tenant: string, user: string | null) => keysFor(tenant as TenantId, user);
  };
  const superuser = (statement: string): Promise<Record<string, unknown>[]> => {
    const url = new URL(muster.stack.superuserUrl);
    url.pathname = new URL(muster.databaseUrl).pathname;
    return withPostgresql(url.toString(), async (client) => (await client.query(statement)).rows);
  };

  it("C018: are the user's, then the tenant's, then the host's, and each says whose it is", async () => {
    await acme.call('models.setKey', { provider: 'main', key: 'of-tenant' });
    await acme.call('models.setKey', { provider: 'main', user: 'ada', key: 'before' });
    await acme.call('models.setKey', { provider: 'main', user: 'ada', key: 'of-ada' });
    const keysFor = finder();

    assert.deepEqual(await keysFor('acme', 'ada')('main'), { key: 'of-ada', source: 'user' });
    assert.deepEqual(await keysFor('acme', 'bob')('main'), { key: 'of-tenant', source: 'tenant' });
    assert.deepEqual(await keysFor('acme', null)('main'), { key: 'of-tenant', source: 'tenant' });
    assert.deepEqual(await keysFor('beta', 'ada')('main'), { key: 'of-host', source: 'host' });
    assert.equal(await keysFor('acme', 'ada')('other'), null);
    assert.deepEqual(await acme.call('models.removeKey', { provider: 'main', user: 'ada' }), { removed: true });
    assert.deepEqual(await acme.call('models.removeKey', { provider: 'main', user: 'ada' }), { removed: false });
    assert.equal((await keysFor('acme', 'ada')('main'))?.source, 'tenant');
  });

  it('C018: stand nowhere in the database, in no answer and in no error', async () => {
    await acme.call('models.setKey', { provider: 'canary', key: CANARY });
    const listed = await acme.call('models.keys', {});
    const refused = await acme
      .call('models.setKey', { provider: 'canary', key: `${CANARY} ${CANARY}` })
      .then(() => '', String);

    const tables = await superuser("select tablename from pg_tables where schemaname = 'muster'");
    const dumps = await Promise.all(
      tables.map(({ tablename }) => superuser(`select t::text as row from muster.${tablename} t`)),
    );
    const all = `${JSON.stringify(dumps)}${JSON.stringify(listed)}${refused}`;
    assert.match(refused, /`key` must be a text of 1 to 4096 printable characters/);
    assert.ok(all.includes('enc:v1:') && all.includes('provider_key.set'), 'what was stored and audited is among it');
    assert.ok(!all.includes(CANARY));
  });

  it('C018: open only where they were set, and an unreadable one is never replaced by another', async () => {
    await acme.call('models.setKey', { provider: 'main', key: 'of-acme' });
    await superuser(`insert into muster.provider_keys (tenant_id, user_id, provider, secret)
      select 'thief', user_id, provider, secret from muster.provider_keys where tenant_id = 'acme' and provider = 'main'`);

    await assert.rejects(finder()('thief', null)('main'), { code: 'secret_unreadable' });
    await assert.rejects(finder(null)('acme', null)('main'), { code: 'secret_key_missing' });
    await assert.rejects(superuser("update muster.provider_keys set secret = 'plain'"), /provider_keys_secret_check/);
  });
});
