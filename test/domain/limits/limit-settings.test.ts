import assert from 'node:assert/strict';
import { hasErrorCode } from '../../../domain/errors.ts';
import { DEFAULT_LIMIT_SETTINGS, parseLimitSettings } from '../../../domain/limits/limit-settings.ts';
import { limitsOfCall } from '../../../domain/limits/limits-of-call.ts';
import { gcra, slidingLog } from '../../../domain/limits/rate-limit.ts';

const named = (value: unknown, call: Parameters<typeof limitsOfCall>[1]) =>
  limitsOfCall(parseLimitSettings(value), call).map(({ name, cost, limit }) => [name, cost, limit.limit]);

describe('settings of limits', () => {
  it('C031: have the figures of the seeds where nothing else is set', () => {
    const figures = Object.entries(DEFAULT_LIMIT_SETTINGS.limits).map(([name, { limit, perSeconds, blockSeconds }]) => [
      name.replace('endpoint:', ''),
      `${limit}/${perSeconds}${blockSeconds > 0 ? ` block ${blockSeconds}` : ''}`,
    ]);

    assert.deepEqual(Object.fromEntries(figures), {
      '*': '60/60',
      auth: '5/60',
      backup: '10/3600',
      memory_search: '30/60',
      agent_action: '100/60',
      websocket: '1000/60',
      mod: '3/30',
      admin: '5/60',
      music: '10/15',
      assistant: '3/30',
      fun: '12/10',
      core: '12/10',
      economy: '8/15',
      tools: '8/15',
      community: '10/15',
      sensitive: '3/300 block 3600',
      api: '100/60 block 300',
      reply: '5/10',
      wake_word: '1/10',
      wake_word_channel: '6/60',
    });
  });

  it('name every fault at once', () => {
    const value = {
      limits: {
        'endpoint:auth': { limit: 0, perSeconds: 60 },
        'planet:mars': { limit: 1, perSeconds: 1 },
        'model:big/tokens': { algorithm: 'sliding_log', limit: 10, perSeconds: 1 },
        'provider:acme': { algorithm: 'leaky', limit: 1, perSeconds: 1 },
      },
      tiers: { gold: -1 },
      tenantTiers: { acme: 'platinum' },
      userTiers: { nobody: 'pro' },
      speed: 3,
    };

    assert.throws(
      () => parseLimitSettings(value),
      (error: unknown) => {
        assert.ok(hasErrorCode(error) && error.code === 'settings_invalid');
        const words = [
          'endpoint:auth: limit',
          '"planet:mars"',
          'model:big/tokens: algorithm',
          'provider:acme: algorithm',
        ];
        for (const word of [...words, 'tiers: gold', '"acme" has no known tier', '"nobody" cannot', '"speed"']) {
          assert.ok(error.message.includes(word), `${word} is missing in: ${error.message}`);
        }
        return true;
      },
    );
  });

  it('are the defaults when nothing is stored, and what is stored survives JSON', () => {
    assert.equal(parseLimitSettings(null), DEFAULT_LIMIT_SETTINGS);
    const limits = { 'provider:acme/tokens': gcra({ limit: 90_000, perSeconds: 60, burst: 9_000 }) };

    assert.deepEqual(
      parseLimitSettings(JSON.parse(JSON.stringify({ limits }))).limits['provider:acme/tokens'],
      limits['provider:acme/tokens'],
    );
  });

  it('choose the limit that is named before the one for all others, and none that was taken away', () => {
    const limits = {
      'endpoint:*': null,
      'provider:*': { limit: 10, perSeconds: 1 },
      'provider:acme': { limit: 20, perSeconds: 1 },
      'provider:acme/tokens': { limit: 5_000, perSeconds: 60 },
      'global:all': { limit: 1_000, perSeconds: 1 },
      'tenant:*': { limit: 100, perSeconds: 1 },
      'user:t/ada': { limit: 7, perSeconds: 1 },
    };

    assert.deepEqual(named({ limits }, { tenant: 't', user: 'ada', endpoint: 'x', provider: 'acme', tokens: 300 }), [
      ['global:all', 1, 1_000],
      ['tenant:*', 1, 100],
      ['user:t/ada', 1, 7],
      ['provider:acme', 1, 20],
      ['provider:acme/tokens', 300, 5_000],
    ]);
    assert.deepEqual(named({ limits }, { tenant: 't', provider: 'other', cost: 2 }).at(-1), ['provider:*', 2, 10]);
  });

  it('C031: multiply what belongs to a tenant or a user by its tier, and nothing that is shared', () => {
    const value = {
      limits: { 'provider:acme': slidingLog({ limit: 3, perSeconds: 1 }) },
      tiers: { half: 0.5 },
      tenantTiers: { t: 'pro', u: 'half' },
      userTiers: { 't/zoe': 'enterprise' },
    } as const;
    const limitOf = (tenant: string, user: string) =>
      named(JSON.parse(JSON.stringify(value)), { tenant, user, endpoint: 'x', provider: 'acme' });

    assert.deepEqual(limitOf('t', 'ada'), [
      ['endpoint:*', 1, 120],
      ['provider:acme', 1, 3],
    ]);
    assert.equal(limitOf('t', 'zoe')[0]?.[2], 600);
    assert.equal(limitOf('u', 'ada')[0]?.[2], 30);
    assert.equal(limitOf('other', 'ada')[0]?.[2], 60);
  });
});
