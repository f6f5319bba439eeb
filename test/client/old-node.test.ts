import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { openDatabase } from '../../database/open-orm.ts';
import { connect } from '../../index.ts';
import { startWorker } from '../../worker.ts';
import { ROOT } from '../architecture/source-files.ts';

const SENTENCE = 'Muster needs Node 22.18 or newer, and this program runs on Node 20.20.2.';

describe('a Node that is too old', () => {
  const { versions } = process;
  const { withResolvers } = Promise;
  afterEach(() => {
    Object.defineProperty(process, 'versions', { value: versions });
    Promise.withResolvers = withResolvers;
  });

  it('is refused by a client and a worker before they open anything', async () => {
    Object.defineProperty(process, 'versions', { value: { ...versions, node: '20.20.2' } });

    await assert.rejects(connect({ environment: {} }), { code: 'node_too_old', message: SENTENCE });
    await assert.rejects(startWorker({ environment: {} }), { code: 'node_too_old', message: SENTENCE });
  });

  it('is refused by the command', () => {
    const versionsOf20 = `Object.defineProperty(process, 'versions', { value: { node: '20.20.2' } })`;
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(versionsOf20)}`, join(ROOT, 'cli.ts'), 'status'],
      { encoding: 'utf8' },
    );

    assert.deepEqual([status, stderr], [1, `muster: ${SENTENCE}\n`]);
  });

  it('is not taken for a PostgreSQL that does not answer', async () => {
    const database = openDatabase({ url: 'postgres://127.0.0.1:1/none', applicationName: 'old node' });
    Reflect.deleteProperty(Promise, 'withResolvers');

    await assert.rejects(database.ping(), { name: 'TypeError', message: /withResolvers/ });
    Promise.withResolvers = withResolvers;
    await database.close();
  });
});
