import assert from 'node:assert/strict';
import { readText } from '../architecture/source-files.ts';
import { commandsList } from './commands-list.ts';

describe('docs/commands.md', () => {
  it('lists every command with its arguments and options, as `--help` explains them', () => {
    const list = commandsList();

    assert.ok(readText('docs/commands.md').includes(`\n\n${list}\n\n`), `expected in docs/commands.md:\n${list}`);
  });
});
