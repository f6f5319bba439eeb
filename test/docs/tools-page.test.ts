import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { conditionFault } from '../../domain/tools/argument-condition.ts';
import { readToolPolicy } from '../../domain/tools/tool-policy.ts';
import { parseSourceSettings } from '../../tool-sources/source-settings.ts';
import { readText } from '../architecture/source-files.ts';
import { ApprovalsBed } from '../operations/approvals-bed.ts';
import { bareEnvironment } from '../support/bare-environment.ts';
import { codeBlocks } from './code-blocks.ts';

const PAGE = 'docs/tools.md';
const INDEX = new URL('../../index.ts', import.meta.url).href;

describe('docs/tools.md', function () {
  this.timeout(120_000);

  it('shows a policy and conditions that can be used', () => {
    const shown = [...readText(PAGE).matchAll(/--(data|where) '(\{.*\})'/g)].map(([, option, text = '']) => {
      const value = JSON.parse(text);
      return option === 'where' ? conditionFault(value) : readToolPolicy(value.policy).ok;
    });

    assert.deepEqual(shown, [true, null]);
  });

  it('shows sources that can be used', () => {
    const shown = codeBlocks(PAGE).find(({ text }) => text.includes('"sources"'))?.text ?? '';
    const variables = { CRM_KEY: 'key', FILES_TOKEN: 'token' };

    const sources = parseSourceSettings(JSON.parse(shown), { file: PAGE, variables });

    assert.deepEqual([...sources.keys()], ['crm', 'files']);
  });

  it('shows a program that runs as it is', async () => {
    const bed = await ApprovalsBed.open('tools page');
    const folder = await mkdtemp(join(tmpdir(), 'muster-tools-page-'));
    try {
      await bed.allow({ approval: true });
      const execution = await bed.task();
      await bed.asked(execution);
      const program = codeBlocks(PAGE).find(({ text }) => text.includes('await connect()'))?.text ?? '';
      const file = join(folder, 'program.ts');
      await writeFile(file, program.replace("'@muster-run/muster'", `'${INDEX}'`));

      const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
        env: { ...bareEnvironment(), ...bed.muster.environment },
      });

      assert.equal(stdout, 'triage refund {"order":"A-17","amount":20}\n');
      const [approval] = await bed.muster.client.call('approvals.list', { task: execution.taskId, all: true });
      assert.deepEqual([approval?.state, approval?.decidedBy], ['rejected', 'ada']);
    } finally {
      await rm(folder, { recursive: true });
      await bed.close();
    }
  });
});
