import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundleFolder } from '../../../worker/bundle/workflow-bundle.ts';

describe('the folder of the bundled workflows', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'muster-bundle-folder-'));
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const modeOf = (path: string) => statSync(path).mode & 0o777;

  it('is the first that can be made, closed to everybody else', async () => {
    const open = join(root, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    writeFileSync(join(root, 'file'), '');

    const found = await bundleFolder([join(root, 'file', 'inside'), open]);

    assert.equal(found, open);
    assert.equal(modeOf(open), 0o700);
  });

  it('is never one of another user, nor a link that another user made', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const foreign = join(root, 'foreign');
    mkdirSync(foreign);
    chownSync(foreign, 65_534, 65_534);
    const link = join(root, 'link');
    symlinkSync(foreign, link);
    lchownSync(link, 65_534, 65_534);

    assert.equal(await bundleFolder([foreign, link, join(root, 'own')]), join(root, 'own'));
  });

  it('is a new one that no other user can guess or write to where none of them will do', async () => {
    writeFileSync(join(root, 'file'), '');

    const found = await bundleFolder([join(root, 'file', 'inside')]);

    assert.equal(dirname(found), tmpdir());
    assert.equal(modeOf(found), 0o700);
    assert.equal(await bundleFolder([join(root, 'file', 'inside')]), found);
  });
});
