import assert from 'node:assert/strict';
import { nearestName } from '../../domain/nearest-name.ts';
import { cancelTask } from '../../operations/tasks/cancel.ts';
import { listDeadTasks, listTasks } from '../../operations/tasks/list.ts';
import { redriveTasks } from '../../operations/tasks/redrive.ts';
import { submitTask } from '../../operations/tasks/submit.ts';
import { timesOf } from '../../operations/tasks/submit-options.ts';
import { submitItem } from '../../operations/tasks/task-fields.ts';

/** What a submit takes besides its graph and input. */
const submitOptions = (options: unknown) => {
  if (typeof options !== 'object' || options === null || Object.getPrototypeOf(options) !== Object.prototype) {
    return submitTask.parse(options);
  }
  const { graph: _graph, ...others } = submitTask.parse(Object.assign(options, { graph: 'digest' }));
  return others;
};

const NOW = new Date('2026-11-29T12:00:00Z');
const hours = (count: number) => new Date(NOW.getTime() + count * 3_600_000);

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, 'option_invalid', String(error));
    return (error as Error).message;
  }
  return assert.fail('expected a refusal');
}

describe('the options of a call', () => {
  it('are taken as they are, without what is undefined, and copied', () => {
    const given = { user: 'u', priority: 'high', startAt: NOW, title: undefined };

    const options = submitOptions(given);

    assert.deepEqual(options, { user: 'u', priority: 'high', startAt: NOW });
    assert.notEqual(options, given);
    assert.deepEqual(submitOptions({}), {});
  });

  it('name what is unknown, and the nearest name', () => {
    const message = refusal(() => submitOptions({ prio: 'high', delay: 5, idempotencyKey: 'k', dueat: NOW }));

    assert.match(
      message,
      /^tasks\.submit was called incorrectly: there is no option `prio` \(did you mean `priority`\?\); /,
    );
    assert.match(message, /no option `delay` \(it takes priority, user, conversation, key, .*repeat, .*\); /);
    assert.match(
      message,
      /`idempotencyKey` \(did you mean `key`\?\); there is no option `dueat` \(did you mean `dueAt`\?\)\. /,
    );
    assert.match(
      refusal(() => listTasks.parse({ state: 'failed' })),
      /did you mean `status`\?/,
    );
  });

  const circle: Record<string, unknown> = {};
  circle.again = circle;
  const wrong: [name: string, value: unknown, found: RegExp][] = [
    ['user', 5, /found the number 5/],
    ['user', '', /1 to 255 characters .*found ""/],
    ['user', 'a\u0000b', /found a text with a NUL character/],
    ['key', '\ud83d', /found a text with half of a surrogate pair/],
    ['key', null, /found null/],
    ['key', 'x'.repeat(256), /found "x{60}…" of 256 characters/],
    ['title', 12n, /found the number 12/],
    ['concurrencyKey', circle, /found an object/],
    ['priority', Symbol('high'), /one of high, normal, low, found a symbol/],
    ['startAt', '2026-11-29', /a Date between .*found "2026-11-29"/],
    ['startAt', '2026-11-29T09:00:00', /with a time zone .*found "2026-11-29T09:00:00"/],
    ['dueAt', new Date(Number.NaN), /found an invalid Date/],
    ['deadlineAt', new Date(-1), /found the Date 1969-12-31/],
    ['dependsOn', 'x', /a list of ids of tasks, found "x"/],
    ['dependsOn', ['x'], /`dependsOn\.0` must be a task's id.*found "x"/],
    ['dependsOn', Array(101).fill('00000000-0000-7000-8000-000000000000'), /at most 100 ids of tasks, found a list/],
  ];
  for (const [name, value, found] of wrong) {
    it(`refuse ${typeof value === 'bigint' ? 'a BigInt' : found.source.replace(/^.*found /, '')} as ${name}, in one sentence`, () => {
      const message = refusal(() => submitOptions({ [name]: value }));

      assert.ok(message.startsWith(`tasks.submit was called incorrectly: \`${name}`), message);
      assert.match(message, found);
    });
  }

  it('are refused when they are no object, or throw when they are read', () => {
    for (const given of [null, 'high', [], new Map(), NOW, () => ({})]) {
      assert.match(
        refusal(() => submitOptions(given)),
        /expected an object of options/,
      );
    }
    const hostile = {
      get user() {
        throw new Error('no');
      },
    };
    assert.match(
      refusal(() => submitOptions(hostile)),
      /throw when they are read/,
    );
    assert.match(
      refusal(() => submitItem(undefined)),
      /found nothing/,
    );
  });

  it('redrive everything only where that is said', async () => {
    await assert.rejects(async () => redriveTasks.handle({} as never, redriveTasks.parse({ graph: 'digest' })), {
      code: 'option_invalid',
      message: /pass exactly one of `id`, `ids` or `all: true`/,
    });
    assert.match(
      refusal(() => redriveTasks.parse({ all: true, taskId: 'x' })),
      /no option `taskId`/,
    );
    assert.match(
      refusal(() => listDeadTasks.parse({ since: '2h', limit: 0 })),
      /`since` must be a Date.*`limit` must be a whole/,
    );
  });

  it('are held to the same rules as arguments', () => {
    assert.match(
      refusal(() => submitTask.parse({ graph: ['digest'], input: {} })),
      /^tasks\.submit was called incorrectly: `graph` must be .*found a list/,
    );
    assert.match(
      refusal(() => cancelTask.parse({ id: 'x', reason: 'x'.repeat(1_001) })),
      /1 to 1000 characters/,
    );
  });
});

describe('the times of a submit', () => {
  const times = (options: Parameters<typeof timesOf>[0]) => timesOf(options, NOW);

  it('are refused when they contradict each other', () => {
    const contradictions: [Parameters<typeof timesOf>[0], RegExp][] = [
      [{ deadlineAt: hours(-1) }, /`deadlineAt` must lie after now/],
      [
        { startAt: hours(2), deadlineAt: hours(1) },
        /`deadlineAt` must lie after now and after the start, 2026-11-29T14/,
      ],
      [{ startAt: hours(2), dueAt: hours(1) }, /`dueAt` must not lie before the start/],
      [{ dueAt: hours(2), deadlineAt: hours(1) }, /`dueAt` must not lie after `deadlineAt`/],
      [{ repeat: { cron: '0 9 * * *' }, deadlineAt: hours(3) }, /after the start, 2026-11-30T09:00/],
    ];

    for (const [options, expected] of contradictions)
      assert.match(
        refusal(() => times(options)),
        expected,
      );
    assert.equal(times({ dueAt: hours(-1) }).dueAt?.getTime(), hours(-1).getTime());
  });

  it('are refused with a series that is none, has unknown fields, or is given in two ways', () => {
    const cases: [unknown, RegExp][] = [
      ['hourly', /`repeat`: it must be daily, weekly, monthly or a cron pattern/],
      [{ every: 'daily', cron: '* * * * *' }, /every or cron, not both/],
      [{ every: 'daily', timezon: 'UTC' }, /not "timezon"/],
      [{ timezone: 'UTC' }, /it must be daily/],
      [{ cron: '0 0 30 2 *' }, /never occurs/],
      [7, /it must be daily/],
      [null, /it must be daily/],
    ];

    for (const [repeat, expected] of cases)
      assert.match(
        refusal(() => times({ repeat } as never)),
        expected,
      );
  });
});

describe('nearestName', () => {
  const known = ['priority', 'user', 'key', 'startAt', 'deadlineAt'];

  it('finds misspelt, shortened, longer and differently written names, and no others', () => {
    for (const [given, name] of [
      ['prio', 'priority'],
      ['priorty', 'priority'],
      ['startat', 'startAt'],
      ['start_at', 'startAt'],
      ['usr', 'user'],
      ['userId', 'user'],
      ['deadline', 'deadlineAt'],
    ] as const) {
      assert.equal(nearestName(given, known), name);
    }
    for (const given of ['', 'x', 'delay', 'tenant', 'x'.repeat(100_000)])
      assert.equal(nearestName(given, known), null);
  });
});
