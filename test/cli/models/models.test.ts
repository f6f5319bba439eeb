import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.ts';
import { CliUnderTest, STARTS_WITHIN } from '../cli-under-test.ts';
import { jsonLines, startCli } from '../run-cli.ts';

const prices = { input: 1, output: 1 };
const route = { id: 'm', contextTokens: 1_000, maxOutputTokens: 100, prices };

describe('muster models', function () {
  this.timeout(180_000);
  let cli: CliUnderTest;
  before(async () => {
    cli = await CliUnderTest.open('models');
  });
  after(() => cli?.close());

  it('lists each way to each model with whose key it has; a key comes from standard input', async () => {
    const settings = {
      providers: {
        main: { baseUrl: 'http://127.0.0.1:9/v1' },
        spare: { baseUrl: 'http://127.0.0.1:9/v1', key: 'env:SPARE_KEY' },
        local: { baseUrl: 'http://127.0.0.1:9/v1', key: 'none' },
      },
      models: { default: ['main', 'spare', 'local'].map((provider) => ({ ...route, provider })) },
    };
    const environment = {
      MUSTER_MODELS: cli.file('models.json', JSON.stringify(settings)),
      MUSTER_SECRET_KEY: '3c'.repeat(32),
      SPARE_KEY: 'sk-spare',
    };
    const keys = async () => {
      const listed = await cli.ask<{ provider: string; key: string | null }[]>(['models'], { environment });
      return listed.map(({ provider, key }) => [provider, key]);
    };

    assert.deepEqual(await keys(), [
      ['main', null],
      ['spare', 'host'],
      ['local', 'none'],
    ]);
    const { exitCode, stdout, stderr } = await cli.start(['models', 'key', 'set', 'main'], {
      ...{ environment, stdin: 'sk-main\n' },
    }).ended;
    assert.equal(exitCode, 0, stderr);
    assert.doesNotMatch(stdout + stderr, /sk-main/);
    assert.deepEqual((await keys())[0], ['main', 'tenant']);
    const misspelt = await cli.start(['models', 'key', 'set', 'mains'], { environment, stdin: 'sk-main\n' }).ended;
    assert.match(misspelt.stdout, /^The settings have no provider "mains"\. Did you mean "main"\?\n/);
    await cli.run(['models', 'key', 'remove', 'main'], { environment });
    assert.deepEqual((await keys())[0], ['main', null]);
  });

  it('stores no key where the settings cannot be read', async () => {
    const environment = { MUSTER_MODELS: cli.file('broken.json', '{'), MUSTER_SECRET_KEY: '3c'.repeat(32) };

    const { exitCode, stderr } = await cli.start(['models', 'key', 'set', 'unkept'], {
      ...{ environment, stdin: 'sk-unkept\n' },
    }).ended;

    assert.equal(exitCode, 1);
    assert.match(stderr, /broken\.json cannot be used/);
    const stored = await cli.muster.client.call('models.keys', {});
    assert.ok(!stored.some(({ provider }) => provider === 'unkept'));
  });

  it('serves a script, and says with its exit code whether it was played', async () => {
    const script = cli.file('script.json', JSON.stringify({ turns: [{ answer: { text: 'Hello.' } }] }));
    const serve = async (asks: number) => {
      const serving = startCli(['models', 'serve-script', script, '--json']);
      await eventually(() => serving.stdout().includes('\n'), STARTS_WITHIN);
      const { baseUrl } = jsonLines(serving.stdout())[0] as { baseUrl: string };
      for (let number = 0; number < asks; number += 1) {
        await fetch(`${baseUrl}/chat/completions`, { method: 'POST', body: '{"model":"m","messages":[]}' });
      }
      serving.child.kill('SIGTERM');
      return serving.ended;
    };

    assert.equal((await serve(1)).exitCode, 0);
    const unplayed = await serve(0);
    assert.deepEqual([unplayed.exitCode, /Turn 1 .* was used 0 times/.test(unplayed.stderr)], [1, true]);
  });
});
