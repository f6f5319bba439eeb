import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ReplayResult, Worker } from '@temporalio/worker';
import { workflowBundlePath } from '../../worker/bundle/workflow-bundle.ts';
import { WAITS } from '../histories/waits.ts';

const FOLDER = join(import.meta.dirname, '..', 'histories');

interface Recording {
  readonly name: string;
  readonly workflowId: string;
  readonly history: unknown;
}

describe('the recorded histories', () => {
  let code: string;
  let recordings: readonly Recording[];

  before(async () => {
    code = await readFile(await workflowBundlePath(), 'utf8');
    const names = (await readdir(FOLDER, { recursive: true })).filter((name) => name.endsWith('.json')).toSorted();
    recordings = await Promise.all(
      names.map(async (name) => ({ name, ...JSON.parse(await readFile(join(FOLDER, name), 'utf8')) })),
    );
  });

  const replay = async (bundle: string): Promise<Record<string, ReplayResult['error']>> => {
    const errors: Record<string, ReplayResult['error']> = {};
    const names = new Map(recordings.map(({ workflowId, name }) => [workflowId, name]));
    for await (const { workflowId, error } of Worker.runReplayHistories(
      { workflowBundle: { code: bundle } },
      recordings,
    )) {
      errors[names.get(workflowId) ?? workflowId] = error;
    }
    return errors;
  };

  it('are, of the newest release, of every wait', () => {
    const newest = recordings.at(-1)?.name.split('/')[0];
    const missing = (names: readonly string[]) =>
      [...WAITS].filter((wait) => !names.includes(`${newest}/execute-task.${wait}.json`));
    const names = recordings.map(({ name }) => name);

    assert.deepEqual(missing(names.filter((name) => !name.endsWith('.limited.json'))), ['limited']);
    assert.deepEqual(missing(names), [], 'record them with test/histories/record.ts');
  });

  it('switch the detection of changes on', () => {
    for (const { name, history } of recordings) assert.match(JSON.stringify(history), /coreUsedFlags/, name);
  });

  it('are replayed by the workflows as they are now', async () => {
    const errors = await replay(code);

    assert.equal(Object.keys(errors).length, recordings.length);
    for (const [name, error] of Object.entries(errors)) assert.equal(error, undefined, `${name}: ${error?.message}`);
  });

  it('are refused by a workflow that asks for another activity than it did', async () => {
    const changed = code
      .replaceAll(/\.(runNode|callModel)\(/g, '.$1Anew(')
      .replaceAll(/runQuickNodes|lookAtWait/g, '$&Anew');
    assert.notEqual(changed, code);

    const errors = await replay(changed);

    for (const [name, error] of Object.entries(errors)) {
      if (name.includes('/execute-task.')) assert.match(error?.message ?? '', /TMPRL1100/, name);
      else assert.equal(error, undefined, name);
    }
  });
});
