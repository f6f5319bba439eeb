import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder, projectName, StateFolder } from '../../../servers/find/state-folder.ts';
import { FolderUnusable } from '../../../servers/server-errors.ts';

describe('the state folder', () => {
  it('of two clones is not the same by default', () => {
    const [one, two] = ['/projects/ada/muster', '/projects/ada/other/muster'].map((clone) =>
      projectName(projectFolder(`${clone}/servers/find/state-folder.ts`)),
    );

    assert.match(one ?? '', /^muster-[0-9a-f]{8}$/);
    assert.match(two ?? '', /^muster-[0-9a-f]{8}$/);
    assert.notEqual(one, two);
  });

  it('belongs to the project whose node_modules holds the package', () => {
    const hoisted = projectFolder('/projects/ada/shop/node_modules/muster/dist/servers/find/project.js');
    const linked = projectFolder(
      '/projects/ada/shop/node_modules/.store/muster@1/node_modules/muster/dist/servers/find/project.js',
    );

    assert.deepEqual([hoisted, linked], ['/projects/ada/shop', '/projects/ada/shop']);
  });

  it('has a name of plain letters wherever the project lies', () => {
    assert.match(projectName('/projects/ada/Mein Projekt (neu)'), /^mein-projekt-neu-[0-9a-f]{8}$/);
    assert.match(projectName('/projects/ada/проект'), /^[0-9a-f]{8}$/);
  });

  it('that cannot be used is refused in one sentence that names the variable to set', () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-state-'));
    const file = join(folder, 'file');
    writeFileSync(file, '');

    assert.throws(
      () => new StateFolder(join(file, 'state')).create(),
      (error) => error instanceof FolderUnusable && /Set MUSTER_STATE_DIR to a folder/.test(error.message),
    );
    rmSync(folder, { recursive: true });
  });

  it('that would lie where nobody can make folders is refused at once', function () {
    if (process.platform !== 'linux') this.skip();
    assert.throws(() => new StateFolder('/proc/nope/state').create(), FolderUnusable);
  });
});
