import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../run-cli.ts';

/** Asks the model that MUSTER_MODELS names as often as it is told, and ends with a code of its own. */
const ASKING = `
import { readFileSync } from 'node:fs';
import { defineAgent } from '@muster-run/muster';
const [times, model, code] = process.argv.slice(2);
const { providers, models } = JSON.parse(readFileSync(process.env.MUSTER_MODELS, 'utf8'));
for (let number = 0; number < Number(times); number += 1) {
  const [{ provider, id }] = models[model];
  const body = JSON.stringify({ model: id, messages: [{ role: 'user', content: 'Hello' }] });
  const answer = await fetch(providers[provider].baseUrl + '/chat/completions', { method: 'POST', body });
  console.log(answer.status, typeof defineAgent);
}
process.exit(Number(code));
`;
const TURN = { expect: { model: 'strong' }, answer: { text: 'Good day' } };

describe('muster run', function () {
  this.timeout(120_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster run '));
    writeFileSync(join(folder, 'asking.mjs'), ASKING);
    writeFileSync(join(folder, 'script.json'), JSON.stringify({ turns: [TURN] }));
  });
  after(() => rmSync(folder, { recursive: true }));

  const ask = (...given: string[]) =>
    runCli(['run', 'asking.mjs', ...given, '--script', 'script.json'], { cwd: folder });

  it('gives a program the package, its arguments and models that the script plays, and ends as it does', async () => {
    const { exitCode, stdout, stderr } = await ask('1', 'strong', '3');

    assert.deepEqual([exitCode, stdout, stderr], [3, '200 function\n', '']);
  });

  it('tells a program what was typed before `run`, and has workers log errors only, unless told otherwise', async () => {
    writeFileSync(join(folder, 'telling.mjs'), 'console.log(process.env.MUSTER_COMMAND, process.env.MUSTER_LOG_LEVEL)');
    const told = async (environment: Record<string, string>) =>
      (await runCli(['run', 'telling.mjs'], { cwd: folder, environment })).stdout;

    assert.equal(await told({ MUSTER_LOG_LEVEL: '' }), 'npm run -s muster -- error\n');
    assert.equal(await told({ MUSTER_LOG_LEVEL: 'debug' }), 'npm run -s muster -- debug\n');
  });

  it('says which turns were not played, and which requests fitted none', async () => {
    const unplayed = await ask('0', 'strong', '0');
    const surplus = await ask('1', 'default', '0');
    const failed = await ask('0', 'strong', '7');

    assert.match(unplayed.stderr, /^muster: Turn 1 of the script was used 0 times, not 1\.\n$/);
    assert.match(surplus.stderr, /it expects the model strong, not default/);
    assert.deepEqual([unplayed.exitCode, surplus.exitCode], [1, 1]);
    assert.deepEqual([failed.exitCode, failed.stderr], [7, ''], 'what a failed program has not come to is no news');
  });

  it('does not start a program for a script that cannot be used', async () => {
    writeFileSync(join(folder, 'faulty.json'), '{"turns":[]}');

    const faulty = await runCli(['run', 'asking.mjs', '--script', 'faulty.json'], { cwd: folder });

    assert.deepEqual([faulty.exitCode, faulty.stdout], [2, '']);
    assert.match(faulty.stderr, /^muster: faulty\.json cannot be used: turns: /);
  });
});
