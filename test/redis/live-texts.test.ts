import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import { attemptNumber, beginningOf, type TextPosition } from '../../domain/thinking/text-position.ts';
import { LiveTexts } from '../../redis/live-texts.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import type { TextPiece } from '../../redis/text-entries.ts';
import { eventually } from '../support/eventually.ts';
import { openTestRedis } from './redis-under-test.ts';

describe('what a model says, in Redis', () => {
  let redis: RedisConnections;
  let texts: LiveTexts;
  let run: { tenant: TenantId; traceId: TraceId; path: string };

  beforeEach(async () => {
    redis = await openTestRedis();
    texts = new LiveTexts(redis);
    run = { tenant: 'acme' as TenantId, traceId: randomUUID() as TraceId, path: 'each[3]/draft' };
  });
  afterEach(() => redis.close());

  const open = (times = 1, step = 1) => {
    const { tenant, traceId, path } = run;
    return texts.open({ execution: { tenant, taskId: randomUUID() as TaskId, traceId }, path, step, times });
  };

  async function readAll(after: TextPosition = beginningOf(1)): Promise<TextPiece[]> {
    const pieces: TextPiece[] = [];
    for (;;) {
      const page = await texts.read(run, pieces.at(-1)?.at ?? after);
      pieces.push(...page.pieces);
      if (!page.isFull) return pieces;
    }
  }
  const textOf = (pieces: readonly TextPiece[]) => pieces.map(({ text }) => text).join('');
  const heard = (text: string) => eventually(async () => assert.equal(textOf(await readAll()), text));

  it('can be read from any place, also one within a piece, without a gap or a repetition', async () => {
    const said = 'Grüße, 世界 😀! Und dann?';
    const live = open();
    for (const word of said.split(/(?<= )/)) live.text(word, 0);
    await heard(said);

    const characters = [...said];
    for (let from = 0; from <= characters.length; from += 1) {
      const rest = await readAll({ step: 1, attempt: 1, characters: from, calls: 0 });
      assert.equal(textOf(rest), characters.slice(from).join(''), `from ${from}`);
    }
    live.end();
  });

  it('has the names of tools in their places', async () => {
    const live = open();
    live.text('Let me see. ', 0);
    live.tool('look-up', 0);
    live.tool('post', 0);
    live.text('Done.', 0);
    await heard('Let me see. Done.');

    const found = (await readAll()).map(({ text, tool, at }) => [tool ?? text, at.characters, at.calls]);

    assert.deepEqual(found, [
      ['Let me see. ', 12, 0],
      ['look-up', 12, 1],
      ['post', 12, 2],
      ['Done.', 17, 2],
    ]);
    assert.deepEqual((await readAll({ step: 1, attempt: 1, characters: 12, calls: 1 })).length, 2);
    live.end();
  });

  it('begins anew at the next provider and in the next attempt, and lets no earlier one write any more', async () => {
    const first = open(1);
    first.text('lost', 0);
    first.text('second', 1);
    await eventually(async () => assert.equal((await readAll()).at(-1)?.text, 'second'));
    const next = open(2);
    next.text('third', 0);
    await eventually(async () => assert.equal((await readAll()).at(-1)?.text, 'third'));

    first.text(' too late', 1);
    next.text(' and more', 0);
    await eventually(async () => assert.match(textOf(await readAll()), /and more$/));

    const pieces = await readAll();
    assert.doesNotMatch(textOf(pieces), /too late/);
    assert.deepEqual(pieces.at(-1)?.at, { step: 1, attempt: attemptNumber(2, 0), characters: 14, calls: 0 });
    next.end();
  });

  it('answers in bounded pages, and keeps the last million characters of twenty', async () => {
    const live = open();
    const piece = 'x'.repeat(1_000_000);
    for (let part = 1; part <= 20; part += 1) {
      live.text(piece, 0);
      await eventually(async () => {
        const last = await redis.ask((commands) => commands.xrevrange(keyOf(), '+', '-', 'COUNT', 1));
        assert.equal(Number(last[0]?.[0].split('-')[1]), part * 1_000_000 * 1_000);
      });
    }

    const page = await texts.read(run, beginningOf(1));

    assert.ok(textOf(page.pieces).length <= 262_144, 'a page is small');
    assert.ok(page.isFull);
    const kept = textOf(await readAll());
    assert.ok(kept.length >= 1_000_000 && kept.length < 1_100_000, `${kept.length} are kept`);
    const memory = await redis.ask((commands) => commands.memory('USAGE', keyOf()));
    assert.ok(Number(memory) < 2_000_000, `${memory} bytes`);
    live.end();
  });

  it('sends twenty messages a second at most, however fast the model is', async () => {
    const counted = countOf(redis, 'appendText');
    const live = new LiveTexts(counted.redis).open({
      ...{ execution: { ...run, taskId: randomUUID() as TaskId }, path: run.path, step: 1, times: 1 },
    });
    const startedAt = performance.now();

    for (let token = 0; performance.now() - startedAt < 1_000; token += 1) {
      live.text(`${token} `, 0);
      await new Promise((resolve) => setImmediate(resolve));
    }

    assert.ok(counted.count() > 2 && counted.count() <= 21, `${counted.count()} messages`);
    live.end();
  });

  it('is never found by another tenant, and expires', async () => {
    const live = open();
    live.text('secret', 0);
    await heard('secret');

    const others = await texts.read({ ...run, tenant: 'other' as TenantId }, beginningOf(1));
    const lifetimeMs = () => redis.ask((commands) => commands.pttl(keyOf()));

    assert.deepEqual(others.pieces, []);
    assert.ok((await lifetimeMs()) > 60_000);
    live.end();
    await eventually(async () => assert.ok((await lifetimeMs()) <= 60_000));
  });

  it('shows by its places what is missing after Redis was emptied, and continues', async () => {
    const live = open();
    live.text('before ', 0);
    await heard('before ');
    await redis.ask((commands) => commands.del(keyOf()));
    live.text('after', 0);
    await heard('after');

    const [piece] = await readAll();

    assert.deepEqual(piece?.at, { step: 1, attempt: 1, characters: 12, calls: 0 });
    assert.deepEqual(textOf(await readAll({ step: 1, attempt: 1, characters: 7, calls: 0 })), 'after');
    live.end();
  });

  it('passes over what other programs wrote under its key', async () => {
    await redis.ask((commands) => commands.xadd(keyOf(), '1000001-500', 'other', 'x'));
    const live = open();
    live.text('text', 0);

    await heard('text');
    live.end();
  });

  const keyOf = () => redis.keys.liveText(run.tenant, run.traceId, run.path);
});

/** The same connections, and how often a command was sent through them. */
function countOf(redis: RedisConnections, command: 'appendText'): { redis: RedisConnections; count: () => number } {
  let sent = 0;
  const counting: RedisConnections = {
    ...redis,
    ask: (question) =>
      redis.ask((commands) =>
        question(
          new Proxy(commands, {
            get: (target, name) => {
              if (name === command) sent += 1;
              const value = Reflect.get(target, name) as unknown;
              return typeof value === 'function' ? value.bind(target) : value;
            },
          }),
        ),
      ),
  };
  return { redis: counting, count: () => sent };
}
