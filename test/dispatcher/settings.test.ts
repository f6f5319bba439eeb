import assert from 'node:assert/strict';
import { SettingsCache } from '../../dispatcher/settings-cache.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import { eventually } from '../support/eventually.ts';
import { DispatchBed } from './dispatch-bed.ts';

describe('a change of the settings', () => {
  let bed: DispatchBed;

  beforeEach(async () => {
    bed = await DispatchBed.open('settings');
  });
  afterEach(() => bed?.close());

  const change = async (settings: Partial<QueueSettings>) => {
    await bed.configure(settings);
    await bed.mender().look();
  };
  const startedCount = (count: number) =>
    eventually(() => bed.started.length === count, { what: `${count} starts`, withinMs: 15_000 });
  const openCount = async () => (await bed.claims.open()).get('tenant:default')?.open ?? 0;

  it('lets more tasks start once a limit is raised, without a restart', async () => {
    await change({ limits: { 'tenant:default': 2 } });
    await bed.submit({}, 10);
    bed.dispatch();
    await startedCount(2);
    const { parked } = await bed.queue.depth();

    await change({ limits: { 'tenant:default': 5 } });

    await startedCount(5);
    assert.equal(await openCount(), 5);
    assert.ok(parked > 0);
  });

  it('lets nothing start above a lowered limit, and the next once enough have ended', async () => {
    await bed.submit({}, 6);
    bed.dispatch();
    await startedCount(6);
    await change({ limits: { 'tenant:default': 2 } });
    await bed.mender().count();
    await bed.submit({}, 3);
    const other = await bed.submit({ tenant: 'acme' });

    for (const task of bed.started.slice(0, 4)) await bed.end(task);
    await startedCount(7);
    assert.deepEqual(bed.ids.slice(6), other);

    for (const task of bed.started.slice(4, 6)) await bed.end(task);
    await startedCount(9);
    assert.equal(await openCount(), 2);
  });

  it('reaches Redis within one look, and a second look changes nothing', async () => {
    await bed.configure({ paused: ['band:low'] });
    const before = await bed.queue.depth();
    await bed.mender().look();
    const after = await bed.queue.depth();
    await bed.mender().look();

    assert.notEqual(after.settingsVersion, before.settingsVersion);
    assert.deepEqual(await bed.queue.depth(), after);
  });

  it('that cannot be read leaves the former settings as they are, and is reported once', async () => {
    const reports: string[] = [];
    const log = { warn: (facts: object) => reports.push(JSON.stringify(facts)) };
    const cache = new SettingsCache({ database: bed.claims.database, log });
    await bed.configure({ limits: { 'tenant:default': 7 } });
    const former = await cache.current();

    await bed.claims.asSuperuser(`update muster.system_config set value = '{"limits": {"nonsense": -1}}'`);
    await eventually(async () => (await cache.current()) && reports.length > 0);

    assert.match(reports[0] ?? '', /nonsense/);
    assert.equal(former.limits['tenant:default'], 7);
    assert.deepEqual(cache.latest, former);
    await bed.configure({ limits: { 'tenant:default': 8 } });
    await eventually(async () => (await cache.current()).limits['tenant:default'] === 8);
    assert.equal(reports.length, 1);
  });

  for (const redis of ['with Redis', 'with Redis away']) {
    for (const target of ['band:low', 'tenant:acme', 'graph:swift']) {
      it(`stops and resumes ${target}, ${redis}`, async () => {
        await change({ paused: [target] });
        const away = redis === 'with Redis away';
        if (away) {
          bed.proxy.set('refuse');
          bed.proxy.closeAll();
        }
        const insert = away ? bed.claims.insert.bind(bed.claims) : bed.submit.bind(bed);
        const paused = await insert({ tenant: 'acme', graph: 'swift', priority: 8 }, 3);
        const others = await insert({ priority: 9, graph: 'single', tenant: 'other' }, target === 'band:low' ? 0 : 2);
        const urgent = await insert({ priority: 1, tenant: 'other' }, 2);
        bed.dispatch();
        await startedCount(others.length + urgent.length);
        assert.deepEqual(bed.ids.toSorted(), [...others, ...urgent].toSorted());

        await bed.configure({});
        if (!away) await bed.mender().look();

        await startedCount(others.length + urgent.length + 3);
        assert.deepEqual(bed.ids.slice(-3).toSorted(), paused.toSorted());
      });
    }
  }
});
