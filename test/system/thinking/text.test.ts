import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import type { TraceId } from '../../../domain/ids.ts';
import type { TaskHandle } from '../../../index.ts';
import { parseScript, type WrittenScript } from '../../../providers/scripted/script.ts';
import { type ScriptedProvider, serveScript } from '../../../providers/scripted/server.ts';
import { HostedCommands } from '../../cli/hosted-commands.ts';
import { jsonLines } from '../../cli/run-cli.ts';
import { eventually } from '../../support/eventually.ts';
import { modelsFile } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { sharedStack } from '../../support/stack.ts';
import { startProxy, type TcpProxy, through } from '../../support/tcp-proxy.ts';
import { behindTheBack } from '../acceptance/database.ts';
import { ended } from '../acceptance/views.ts';
import { speaking } from './speakers.ts';
import { collect, heard, isText, slowly, type Told, turn, typesOf } from './told.ts';

type Turn = WrittenScript['turns'][number];
type Chunk = string | { pauseMs: number };

const wordsOf = (chunks: ReturnType<typeof slowly>) => chunks.filter((chunk) => typeof chunk === 'string').join('');

const INTERRUPTED = slowly(60);
const OUTAGE = slowly(100);
const LOOKED_UP: Chunk[] = ['It is ', { pauseMs: 1_500 }, 'about tea.'];
/** 49 pieces of 100,000 Chinese characters, of three bytes each. */
const HUGE = Array.from({ length: 49 }, (_, part) => '这个文本很长'.repeat(20_000).slice(0, 99_999) + (part % 10));
const THOUSANDS = Array.from({ length: 30_000 }, (_, token) => `${token % 10} `);

const FIRST: readonly Turn[] = [
  turn('tea', { text: 'Let me see.', calls: [{ tool: 'look-up', arguments: { thing: 'a secret' } }] }),
  turn('tea', { chunks: LOOKED_UP }),
  turn('interruptions', { chunks: INTERRUPTED }),
  turn('cuts', { chunks: ['It begins ', { pauseMs: 500 }, 'well'], cut: true }),
  turn('silences', { chunks: ['It begins ', { pauseMs: 500 }, 'well'], cut: true }),
  turn('cancels', { chunks: ['It begins'], stall: true }),
  turn('outage', { chunks: OUTAGE }),
  turn('huge', { chunks: HUGE }),
  turn('secrets', { chunks: ['A secret', { pauseMs: 1_500 }, '.'] }),
  turn('commands', { chunks: ['One, ', { pauseMs: 1_000 }, 'two.'] }),
  turn('one', { text: '0 ' }),
  turn('thousands', { chunks: THOUSANDS }),
];
const SECOND: readonly Turn[] = [turn('cuts', { text: 'It ends.' }), turn('silences', { text: '' })];

describe('what a model says while it says it', function () {
  this.timeout(300_000);
  let muster: MusterUnderTest;
  let proxy: TcpProxy;
  let redis: Redis;
  const providers: ScriptedProvider[] = [];

  before(async () => {
    for (const turns of [FIRST, SECOND]) providers.push(await serveScript(parseScript({ turns: [...turns] })));
    const { redisUrl } = await sharedStack();
    proxy = await startProxy({ targetPort: Number(new URL(redisUrl).port) });
    const models = await modelsFile(...providers.map(({ baseUrl }) => baseUrl));
    const environment = { MUSTER_MODELS: models, MUSTER_REDIS_URL: through(proxy, redisUrl) };
    muster = await openMuster('text', { environment });
    redis = new Redis(redisUrl);
    await muster.work({ graphs: [speaking] });
  });
  after(async () => {
    await muster?.close();
    await redis?.quit();
    await proxy?.close();
    await Promise.all(providers.map((provider) => provider.close()));
  });

  const submit = (about: string): Promise<TaskHandle> => muster.client.submit('speaking', { about });
  const listen = (task: TaskHandle, after: number | string = 0) => task.events({ text: true, after });
  const storedTexts = async (task: TaskHandle) =>
    (
      await behindTheBack<{ text: string }>(
        muster,
        `select answer ->> 'text' as text from muster.model_calls where task_id = '${task.id}' order by step`,
      )
    ).map(({ text }) => text);

  it('K050: is told before the answer is complete, and is the answer when it is', async () => {
    const task = await submit('tea');

    const events = await collect(listen(task));

    // The provider paused behind it.
    assert.ok(events.some((event) => event.type === 'text.added' && event.text === 'It is '));
    assert.deepEqual(heard(events), ['Let me see.', 'It is about tea.']);
    assert.deepEqual(heard(events), await storedTexts(task));
    // Which tool is asked for is told while it is asked: who reads behind the answer hears nothing of it.
    const asked = events.filter((event) => event.type === 'tool.asked');
    assert.deepEqual(typesOf(events.filter(({ type }) => type !== 'tool.asked')), [
      ...['trace.started', 'run.started', 'text.added', 'text.completed', 'model.answered'],
      ...['tool.decided', 'tool.ended'],
      ...['text.added', 'text.completed', 'model.answered', 'run.completed', 'trace.completed'],
    ]);
    assert.doesNotMatch(JSON.stringify(events), /a secret/, 'arguments of tools are not told');
    assert.ok(asked.length <= 1 && asked.every((event) => 'tool' in event && event.tool === 'look-up'));
  });

  it('K051: can be continued behind every event, while it is said and afterwards, without a gap or a repetition', async () => {
    const task = await submit('interruptions');
    const events: Told[] = [];

    // Someone who goes away after each event that is told, and comes back with its cursor.
    for (let last: Told | undefined; last?.type !== 'trace.completed'; last = events.at(-1)) {
      events.push(...(await collect(listen(task, events.at(-1)?.cursor ?? 0), () => true)));
    }

    const said = wordsOf(INTERRUPTED);
    assert.deepEqual(heard(events), [said]);
    assert.ok(events.filter(({ type }) => type === 'text.added').length > 5, 'it was told in pieces');
    assert.deepEqual(typesOf(events), [
      ...['trace.started', 'run.started', 'text.added', 'text.completed', 'model.answered'],
      ...['run.completed', 'trace.completed'],
    ]);
    for (const [at, { cursor }] of events.entries()) {
      const rest = await collect(listen(task, cursor));
      const before = heard(events.slice(0, at + 1))[0] ?? '';
      assert.equal(before + (heard(rest)[0] ?? ''), said, `behind ${cursor}`);
      assert.deepEqual(
        rest.filter(({ type }) => type !== 'text.added').map(({ type }) => type),
        events
          .slice(at + 1)
          .filter(({ type }) => type !== 'text.added')
          .map(({ type }) => type),
        `behind ${cursor}`,
      );
    }
  });

  it('K052: is told to be restarted where the next provider answers and says nothing', async () => {
    const events = await collect(listen(await submit('silences')));

    const [answered] = events.filter(({ type }) => type === 'model.answered');
    assert.equal(answered !== undefined && 'data' in answered && (answered.data as { attempt: number }).attempt, 2);
    assert.deepEqual(
      events
        .filter(isText)
        .map(({ type, attempt }) => [type, attempt])
        .slice(-2),
      [
        ['text.restarted', 2],
        ['text.completed', 2],
      ],
    );
    assert.deepEqual(heard(events), ['']);
  });

  it('K052: begins anew where the next provider does, and ends once as failed where it is cancelled', async () => {
    const cut = await submit('cuts');
    const events = await collect(listen(cut));

    assert.ok(typesOf(events).join(' ').includes('text.added text.restarted text.added text.completed'));
    assert.deepEqual(heard(events), ['It ends.']);

    const task = await submit('cancels');
    const cancelled = await collect(listen(task), (event) => {
      if (event.type === 'text.added') void task.cancel();
      return false;
    });

    assert.deepEqual(heard(cancelled), ['It begins']);
    assert.equal(cancelled.filter(({ type }) => type === 'text.failed').length, 1);
    assert.equal(cancelled.at(-1)?.type, 'trace.cancelled');
    assert.equal((await collect(listen(task))).filter(({ type }) => type === 'text.completed').length, 0);
  });

  it('K053: is whole in the end whatever becomes of Redis, and nobody waits for it', async () => {
    const task = await submit('outage');
    const pieces = (all: readonly Told[]) => all.filter(({ type }) => type === 'text.added').length;

    const events = await collect(listen(task), (_, all) => {
      if (pieces(all) === 5) void redis.keys('*:text:*').then((keys) => redis.del(...keys));
      if (pieces(all) === 10) proxy.set('blackHole');
      return false;
    });
    const atOnce = proxy.dropped;
    proxy.set('pass');

    assert.ok(atOnce > 0, 'Redis was unavailable');
    assert.deepEqual(heard(events), [wordsOf(OUTAGE)]);
    assert.equal(events.filter(({ type }) => type === 'text.completed').length, 1);
    assert.equal(events.at(-1)?.type, 'trace.completed');
  });

  it('K054: comes in bounded pieces, whatever its size', async () => {
    await eventually(() => redis.ping());
    const task = await submit('huge');

    const events = await collect(listen(task));

    assert.equal(heard(events)[0], HUGE.join(''));
    assert.ok(Buffer.byteLength(HUGE.join('')) > 14_000_000);
    const longest = Math.max(...events.map((event) => ('text' in event ? event.text.length : 0)));
    assert.ok(longest <= 100_000, `${longest} characters at once`);
    assert.deepEqual(heard(await collect(listen(task)))[0], HUGE.join(''), 'from PostgreSQL alone');
  });

  it("K055: leaves no trace in Temporal's history: 30,000 tokens are as long there as one", async () => {
    const sizes: number[][] = [];
    for (const about of ['one', 'thousands']) {
      const task = await submit(about);
      await ended(task);
      const temporal = await muster.temporal();
      const history = await temporal.workflow.getHandle(task.workflowId).fetchHistory();
      const { length: events = 0 } = history.events ?? [];
      sizes.push([events, Math.round(JSON.stringify(history).length / 1_000)]);
    }

    const [one, thousands] = sizes;
    assert.equal(thousands?.[0], one?.[0], 'events');
    assert.ok(Math.abs((thousands?.[1] ?? 0) - (one?.[1] ?? 0)) <= 1, `kilobytes: ${JSON.stringify(sizes)}`);
  });

  it('K056: is never heard by another tenant', async () => {
    const task = await submit('secrets');
    const other = await muster.connect({ tenant: 'strangers' });
    const { follow, text } = other.operations.thinking;
    const found: unknown[] = [];

    const events = await collect(listen(task), async (event) => {
      if (!isText(event)) return false;
      const run = { traceId: event.traceId as TraceId, path: event.path };
      found.push(...(await follow({ ...run, after: '1.0@0.0' })).pieces);
      found.push(...[await text({ ...run, step: 1 })].filter((one) => one !== null));
      return false;
    });

    assert.deepEqual(heard(events), ['A secret.']);
    assert.deepEqual(found, []);
    await assert.rejects(collect(other.task(task.id).events({ text: true })), { code: 'task_unknown' });
  });

  it('K050: is printed by `muster watch --json`, a line for each event, from any cursor', async () => {
    const commands = new HostedCommands();
    const task = await submit('commands');
    const watch = async (...more: string[]) => {
      const args = ['watch', task.id, '--json', ...more];
      const { stdout } = await commands.run(args, { environment: muster.environment });
      return jsonLines(stdout) as Told[];
    };

    const all = await watch();
    const first = all.findIndex(({ type }) => type === 'text.added');
    const rest = await watch('--after', all[first]?.cursor ?? '');
    await commands.close();

    assert.deepEqual(heard(all), ['One, two.']);
    assert.equal(
      heard(all.slice(0, first + 1))
        .concat(heard(rest))
        .join(''),
      'One, two.',
    );
    assert.equal(rest.at(-1)?.type, 'trace.completed');
  });

  it('refuses a cursor that is none, in one sentence', () => {
    assert.throws(() => muster.client.task('019ab3c4-5d6e-7f80-9123-456789abcdef').events({ after: 'soon' }), {
      code: 'option_invalid',
      message: /`after` must be .*cursor/,
    });
  });
});
