import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assertNone, planted } from './faults.ts';
import { activityCalls, doubleNames, filesLoadedBy, missingTargets, unusedExports } from './import-gates.ts';
import { borderFault, IMPORT_TABLE } from './import-table.ts';
import { findCycles, importsOf } from './imports.ts';
import { fileAt, filesEndingIn, productFiles, ROOT, readText } from './source-files.ts';

const product = productFiles();
const imports = product.flatMap(importsOf);
const bordersOf = (...files: Parameters<typeof importsOf>) => importsOf(...files).map(borderFault);

describe('the import table', () => {
  it('is kept by every import of the product', () => {
    assert.ok(imports.length > 500, `expected the product's imports, found ${imports.length}`);

    assertNone(imports.map(borderFault).filter((fault) => fault !== null));
  });

  it('is broken by a value where types are allowed, by a room that is not named, and by a file without a room', () => {
    const [value, type] = bordersOf(
      planted(
        'workflows/tasks/x.ts',
        "import { a } from '../../activities/a.ts';",
        "import type { B } from '../../activities/a.ts';",
      ),
    );
    const [foreign] = bordersOf(planted('domain/x.ts', "import { readFile } from 'node:fs';"));
    const [homeless] = bordersOf(planted('utilities/x.ts', "import { a } from '../domain/a.ts';"));
    const [inward] = bordersOf(planted('dispatcher/x.ts', "import { a } from '../worker/wire/a.ts';"));

    assert.equal(type, null);
    for (const fault of [value, foreign, homeless, inward]) assert.equal(typeof fault, 'string');
  });

  it('has the rooms and files that the build takes, so that it takes no program that lies in a clone', () => {
    const { files, include }: { files: string[]; include: string[] } = JSON.parse(readText('tsconfig.build.json'));
    const tops = new Set(product.map(({ path }) => path.split('/')[0]));

    assert.deepEqual([...files, ...include].toSorted(), [...tops].toSorted());
  });

  it('names only rooms that are there', () => {
    const gone = Object.keys(IMPORT_TABLE).filter((room) => !existsSync(join(ROOT, room)));

    assertNone(gone.map((room) => `${room} stands in the import table and is not there.`));
  });
});

describe('the imports', () => {
  it('of tests, benchmarks, scripts and examples are made by nobody but themselves', () => {
    const inner = imports.filter(({ isOurs, target }) => isOurs && /^(test|bench|scripts|examples)\//.test(target));

    assertNone(inner.map(({ from, line, target }) => `${from}:${line} imports ${target}, which no package carries.`));
  });

  it('of activities are made by their register alone', () => {
    const registered = new Set(
      importsOf(fileAt('activities/index.ts'))
        .map(({ target }) => target)
        .filter((target) => target.includes('/', 11)),
    );
    const calling = importsOf(planted('activities/tasks/x.ts', "import { runNode } from './run-node.ts';"));

    assert.ok(registered.size >= 4, 'expected the register of activities');
    assert.equal(activityCalls(calling, registered).length, 1);
    assertNone(activityCalls(imports, registered));
  });

  it('are of files that are there, and of packages that package.json names', () => {
    const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(readText('package.json'));
    const missing = importsOf(
      planted('domain/x.ts', "import './nowhere.ts';", "import { a } from '@scope/name/part';"),
    );

    assert.equal(missingTargets(missing, dependencies).length, 2);
    assertNone(missingTargets(imports, dependencies));
  });

  it("keep Temporal's worker library, which is slow to load, out of clients and quick commands", () => {
    const light = [
      'index.ts',
      'client.ts',
      'servers/start/start-services.ts',
      'servers/probe/doctor.ts',
      'worker/wire/prepare-installation.ts',
    ];
    const heavyIn = (found: typeof imports) => {
      const loaded = filesLoadedBy(light, found);
      assert.ok(loaded.has('temporal/connect.ts'), 'expected what a client loads');
      return found.filter(
        ({ from, target, typeOnly }) => target === '@temporalio/worker' && !typeOnly && loaded.has(from),
      );
    };
    const heavy = importsOf(planted('temporal/connect.ts', "import { Worker } from '@temporalio/worker';"));

    assert.equal(heavyIn([...imports, ...heavy]).length, 1);
    assertNone(
      heavyIn(imports).map(({ from, line }) => `${from}:${line} imports @temporalio/worker, and a client loads it.`),
    );
  });

  it('keep what installs, starts and probes servers out of clients and workers', () => {
    // A worker keeps the logs short of servers that run; where there is no /proc, `ps` tells processes apart; and the
    // workflows of a clone are bundled in a process of their own.
    const allowed = new Set([
      'servers/start/logs.ts',
      'servers/find/process-identity.ts',
      'worker/bundle/workflow-bundle.ts',
    ]);
    const foundIn = (found: typeof imports) => {
      const loaded = filesLoadedBy(['index.ts', 'client.ts', 'worker.ts'], found);
      assert.ok(loaded.has('servers/find/find-connections.ts'), 'expected what finds the servers');
      const bringing = [...loaded].filter((path) => /^servers\/(install|start|probe)\//.test(path));
      const spawning = found.filter(
        ({ from, target }) => loaded.has(from) && ['node:child_process', 'execa'].includes(target),
      );
      return new Set([...bringing, ...spawning.map(({ from }) => from)]).difference(allowed);
    };
    const spawning = importsOf(planted('client.ts', "import { execa } from 'execa';"));

    assert.equal(foundIn([...imports, ...spawning]).size, 1);
    assertNone(
      [...foundIn(imports)].map(
        (path) => `${path} installs, starts or probes servers, and a client or a worker loads it.`,
      ),
    );
  });

  it('make no ring, types included', () => {
    const judged = imports.filter(({ isOurs }) => isOurs);
    const ring = [
      ...importsOf(planted('domain/a.ts', "import { b } from './b.ts';")),
      ...importsOf(planted('domain/b.ts', "import type { C } from './c.ts';")),
      ...importsOf(planted('domain/c.ts', "import type { A } from './a.ts';")),
    ];

    assert.deepEqual(findCycles(ring), [['domain/a.ts', 'domain/b.ts', 'domain/c.ts', 'domain/a.ts']]);
    assertNone(findCycles(judged).map((found) => `These files import each other: ${found.join(' → ')}.`));
  });

  it('are of files with names of their own, but for those of registers, operations, capabilities and kinds, which their folder names', () => {
    const named = product.filter(
      ({ path }) => !/^(operations\/[^/]+|capabilities|activities\/nodes|domain\/graphs\/kinds)\/[^/]+$/.test(path),
    );

    assert.equal(doubleNames([planted('redis/view.ts'), planted('client/view.ts'), planted('client/a.ts')]).length, 1);
    assertNone(doubleNames(named));
  });

  it('take every value that is exported', () => {
    const lonely = planted(
      'redis/a.ts',
      'export const one = 1;',
      'export async function two(): Promise<Shape> {}',
      'export interface Shape {}',
      'export type Unused = 1;',
    );
    const user = planted('redis/b.ts', "import { type Other, one as first } from './a.ts';");

    assert.equal(unusedExports([lonely], importsOf(user)).length, 2);
    assertNone(unusedExports(product, filesEndingIn('.ts', '.mjs').flatMap(importsOf)));
  });

  it('are read in every form', () => {
    const text = [
      "import a from './a.ts';",
      "import { type B, c } from './b.ts';",
      "import { type D } from './d.ts';",
      "import type { E } from 'e';",
      "export {\n  type F,\n} from './f.ts';",
      "export * from './g.ts';",
      "import './h.ts';",
      "const i = await import('./i.ts');",
      "// import './no.ts';",
      " * import './no.ts';",
      'export const from = 1;',
    ].join('\n');

    const found = importsOf({ path: 'room/x.ts', text });

    assert.deepEqual(
      found.map(({ target, typeOnly }) => [target, typeOnly]),
      [
        ['room/a.ts', false],
        ['room/b.ts', false],
        ['room/d.ts', true],
        ['e', true],
        ['room/f.ts', true],
        ['room/g.ts', false],
        ['room/h.ts', false],
        ['room/i.ts', false],
      ],
    );
  });
});
