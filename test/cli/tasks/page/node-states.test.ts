import assert from 'node:assert/strict';
import { statesOf } from '../../../../cli/tasks/page/node-states.ts';
import { shownTask } from './shown-task.ts';

describe('the state of a node on the page of a task', () => {
  it('is that it waits, for one that runs and has begun to wait', () => {
    const [trace] = shownTask('a text').traces;
    const [run] = trace?.runs ?? [];
    const [event] = trace?.events ?? [];
    assert.ok(trace && run && event);
    const of = (path: string, status: 'running' | 'ok') => ({ ...run, path, nodeId: path, status });
    const runs = [of('asks', 'running'), of('asked', 'ok'), of('runs', 'running')];
    const waits = ['asks', 'asked'].map((path) => ({ ...event, type: 'run.waits' as const, nodeId: path, path }));

    const states = statesOf({ ...trace, steps: [], runs, events: [event, ...waits] });

    assert.deepEqual(
      [...states].map(([path, { status }]) => [path, status]),
      [
        ['asks', 'waiting'],
        ['asked', 'ok'],
        ['runs', 'running'],
      ],
    );
  });
});
