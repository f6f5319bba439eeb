import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const entry = z.object({ optionalDependencies: z.record(z.string(), z.string()).optional() });
const lockFile = z.object({ packages: z.record(z.string(), entry) });

describe('package-lock.json', () => {
  // npm leaves out an optional package that its registry does not offer, and `npm ci` then refuses the whole file.
  it('lists every optional dependency, so that `npm ci` accepts it on every platform', () => {
    const text = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8');
    const { packages } = lockFile.parse(JSON.parse(text));

    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
      ),
    );

    assert.deepEqual(missing, []);
  });
});
