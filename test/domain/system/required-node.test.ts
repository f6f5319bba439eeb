import assert from 'node:assert/strict';
import { OLDEST_NODE, requireNode } from '../../../domain/system/required-node.ts';
import { readText } from '../../architecture/source-files.ts';

describe('the required Node', () => {
  it('is what package.json says', () => {
    assert.equal(JSON.parse(readText('package.json')).engines.node, `>=${OLDEST_NODE.join('.')}`);
  });

  it('refuses an older one in one sentence', () => {
    for (const version of ['18.20.8', '20.20.2', '22.17.1']) {
      assert.throws(() => requireNode(version), {
        code: 'node_too_old',
        message: `Muster needs Node 22.18 or newer, and this program runs on Node ${version}.`,
      });
    }
    for (const version of ['22.18.0', '23.0.0', '24.21.0']) requireNode(version);
  });
});
