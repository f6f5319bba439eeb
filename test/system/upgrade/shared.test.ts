import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/eventually.ts';
import { checkRuns, checkTraces, checkWorkflows } from '../faults/checker.ts';
import { openShared, placesFor } from '../faults/shared-world.ts';
import { report, World } from '../faults/world.ts';

const HOOK = new URL('./earlier-workflows.ts', import.meta.url).href;
const WORKFLOWS = fileURLToPath(new URL('../../histories/2026-11-22/workflows.js.br', import.meta.url));
/** Its workflows know no shared execution; with one place it begins none. */
const EARLIER = {
  ...{ NODE_OPTIONS: `--import=${HOOK}`, EARLIER_WORKFLOWS: WORKFLOWS },
  MUSTER_MAX_CONCURRENT_TASKS: '1',
};
const TASKS = 20;

describe('a shared execution that comes to a worker of the first release', function () {
  this.timeout(240_000);
  afterEach(() => World.closeAll());

  it('is given back, and ends on a present worker', async () => {
    const { world } = await openShared('shared-upgrade', { graph: 'told', tasks: TASKS });
    const first = await world.spawn('before_wave:kill:2', placesFor(TASKS));
    await first.ended;
    const earlier = await world.spawn(undefined, EARLIER);
    const refused = () => earlier.log.some((line) => line.includes("type 'executeTasks'"));
    await eventually(refused, { withinMs: 60_000, everyMs: 200, what: 'a workflow that it does not know' });

    const startedAt = performance.now();
    await world.spawn(undefined, placesFor(TASKS));
    await world.allEnded(120_000);

    report(`ended ${((performance.now() - startedAt) / 1_000).toFixed(1)} s after the start of a present worker`);
    assert.equal(await world.count("status = 'completed'"), TASKS);
    for (const check of [checkTraces, checkRuns, checkWorkflows]) await check(world);
  });
});
