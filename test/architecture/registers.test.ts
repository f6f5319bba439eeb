import assert from 'node:assert/strict';
import { CONFIG_KEYS } from '../../config.ts';
import { ERROR_CODES } from '../../domain/errors.ts';
import { assertNone, matchAll, planted } from './faults.ts';
import {
  definedWorkflows,
  differences,
  registeredActivities,
  registeredWorkflows,
  sharedNames,
  unreplayed,
} from './register-gates.ts';
import { fileAt, filesEndingIn, productFiles, readText } from './source-files.ts';

const workflows = registeredWorkflows(fileAt('workflows/index.ts'));
const activities = registeredActivities(fileAt('activities/index.ts'));

describe('the registers', () => {
  it('hold every workflow, and nothing else', () => {
    const says = (name: string) => `${name} is in workflows/index.ts or in workflows/**, and not in both.`;
    const unregistered = definedWorkflows([
      planted('workflows/a/b.ts', 'export async function doWork(): Promise<void> {'),
    ]);

    assert.equal(differences(workflows, [...workflows, ...unregistered], says).length, 1);
    assertNone(differences(workflows, definedWorkflows(productFiles()), says));
  });

  it('give every workflow and every activity a name of its own', () => {
    const both = registeredActivities(
      planted(
        'activities/index.ts',
        '    doWork: (input: A) => doWork(deps, input),',
        '    executeTask: () => other(deps),',
      ),
    );

    assert.ok(workflows.length >= 3 && activities.length >= 6, 'expected the registers');
    assert.deepEqual(both, ['doWork', 'executeTask']);
    assert.equal(sharedNames([...workflows, ...both]).length, 1);
    assertNone(sharedNames([...workflows, ...activities]));
  });

  it('have a recorded history of every workflow, which the replay test replays', () => {
    const histories = filesEndingIn('.json').filter(({ path }) => path.startsWith('test/histories/'));

    assert.equal(unreplayed(['neverRecorded'], histories).length, 1);
    assertNone(unreplayed(workflows, histories));
  });

  it('have a row in docs/errors.md for every error code, and a code for every row', () => {
    const rows = matchAll(readText('docs/errors.md'), /^\| `(\w+)` +\|/gm);
    const says = (code: string) => `${code} is in docs/errors.md or in domain/errors.ts, and not in both.`;

    assert.equal(differences([...rows, 'not_there'], ERROR_CODES, says).length, 1);
    assertNone(differences(rows, ERROR_CODES, says));
  });

  it('have a line in .env.example for every configuration key, and a key for every line', () => {
    const lines = matchAll(readText('.env.example'), /^#?([A-Z][A-Z_]+)=/gm);
    const says = (key: string) => `${key} is in .env.example or in config.ts, and not in both.`;

    assert.equal(differences([...lines, 'MUSTER_NOT_THERE'], CONFIG_KEYS, says).length, 1);
    assertNone(differences(lines, CONFIG_KEYS, says));
  });
});
