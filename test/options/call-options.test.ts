import assert from 'node:assert/strict';
import { agentName, connectAgentOptions, connectOptions } from '../../client/options.ts';
import { asPayload } from '../../messaging/check-message.ts';
import { limitValueOf, setRateLimit, setTier } from '../../operations/limits/set.ts';
import { acquireSlot, checkLimits, cooldown, once, reserveLimits, takeLimits } from '../../operations/limits/take.ts';
import { listMessages } from '../../operations/messages/read.ts';
import { requestAnswer, sendMessage } from '../../operations/messages/send.ts';
import { pauseQueue, setQueueLimit, setQueueWeight } from '../../operations/queue/settings.ts';
import { workerOptions } from '../../worker/wire/start-worker.ts';

/** One call each that was taken, failed with a raw error, or was ignored in part. */
const REFUSED: readonly [call: string, run: () => unknown, says: RegExp][] = [
  ['connect with a number as tenant', () => connectOptions({ tenant: 5 }), /^connect .*`tenant` must be 1 to 64/],
  ['connect to a database that is no URL', () => connectOptions({ databaseUrl: 'localhost' }), /a URL beginning with/],
  ['connect with a misspelt option', () => connectOptions({ databaseURL: 'postgres://h/d' }), /mean `databaseUrl`\?/],
  ['an agent whose name is no name', () => agentName('No Name'), /^connectAgent .*`name` must be a name like/],
  ['an agent with a role in capitals', () => connectAgentOptions({ roles: ['Writer'] }), /`roles\.0` must be a name/],
  ['an agent that receives by no function', () => connectAgentOptions({ receive: {} }), /`receive` must be a function/],
  [
    'a message with a priority by name',
    () => sendMessage.parse({ agent: 'a', priority: 'high' }),
    /whole number from 1 to 4, found "high"/,
  ],
  [
    'a message with a time to live that is none',
    () => sendMessage.parse({ agent: 'a', expiresInMs: Number.NaN }),
    /found the number NaN/,
  ],
  ['a message with an id that is no UUID', () => sendMessage.parse({ agent: 'a', id: 'mine' }), /`id` must be a UUID/],
  [
    'a request that would expire twice',
    () => requestAnswer.parse({ agent: 'a', expiresInMs: 5 }),
    /no option `expiresInMs`/,
  ],
  [
    'a request that waits for a day',
    () => requestAnswer.parse({ agent: 'a', timeoutMs: 86_400_000 }),
    /a number from 1 to 3600000/,
  ],
  ['a list of messages by an unknown status', () => listMessages.parse({ status: 'done' }), /one of pending, leased/],
  ['a limit for a user who is a number', () => takeLimits.parse({ user: 5 }), /^limits.take .*`user` must be a text/],
  ['a limit with a cost in words', () => checkLimits.parse({ cost: '2' }), /`cost` must be a number, found "2"/],
  ['a limit with a misspelt endpoint', () => reserveLimits.parse({ endpiont: 'chat' }), /did you mean `endpoint`\?/],
  ['a cooldown of nobody', () => cooldown.parse({ command: 'work' }), /`user` must be .*, found nothing/],
  ['a key that holds a NUL', () => once.parse({ key: 'a\u0000' }), /^limits.once .*found a text with a NUL/],
  ['a time in words', () => once.parse({ key: 'k', seconds: '180' }), /`seconds` must be a number/],
  ['a limit without a name', () => setRateLimit.parse({ limit: null }), /^limits.set .*`name` must be/],
  [
    'a limit with an unknown part',
    () => limitValueOf({ limit: 1, perSecond: 1 } as never),
    /did you mean `perSeconds`\?/,
  ],
  ['a tier for nobody', () => setTier.parse(null), /expected an object of options, found null/],
  ['slots without a number', () => acquireSlot.parse({ key: 'k' }), /`limit` must be a number, found nothing/],
  [
    'a pause of half a character',
    () => pauseQueue.parse({ target: 'graph:\ud83d' }),
    /found a text with half of a surrogate pair/,
  ],
  [
    'a limit of a symbol',
    () => setQueueLimit.parse({ key: Symbol('graph'), limit: 1 }),
    /`key` must be .*found a symbol/,
  ],
  ['a limit that is a text', () => setQueueLimit.parse({ key: 'k', limit: '4' }), /a number or null, found "4"/],
  ['a weight of a NUL', () => setQueueWeight.parse({ tenant: '\u0000', weight: 1 }), /found a text with a NUL/],
  [
    'a worker with one graph instead of a list',
    () => workerOptions({ graphs: { definition: {} } }),
    /a list of graphs/,
  ],
  [
    'a worker with a graph that was not defined',
    () => workerOptions({ graphs: [{}] }),
    /`graphs\.0` must be a graph made by/,
  ],
  ['a worker with a misspelt task queue', () => workerOptions({ taskqueue: 'q' }), /did you mean `taskQueue`\?/],
];

describe('the options of the other calls', () => {
  for (const [call, run, says] of REFUSED) {
    it(`refuse ${call}`, () => {
      assert.throws(run, { code: 'option_invalid', message: says });
    });
  }

  it('take what the types promise', () => {
    const given = { user: 'u', endpoint: 'chat', cost: 2, tokens: 10, class: 'chat', model: undefined };

    const { model: _model, ...kept } = given;
    assert.deepEqual(takeLimits.parse(given), kept);
    const said = { agent: 'a', payload: { n: 1 }, priority: 2, type: 'event', expiresInMs: 1_000 };
    assert.deepEqual(sendMessage.parse(said), said);
    assert.deepEqual(workerOptions({ graphs: [], agents: [] }), { graphs: [], agents: [] });
  });
});

describe('the payload of a message', () => {
  it('is its JSON, or a sentence with the place of what is none', () => {
    assert.deepEqual(asPayload({ at: new Date(0), none: undefined }), { at: '1970-01-01T00:00:00.000Z' });
    assert.match(String(asPayload({ rows: [1n] })), /as its payload: a BigInt at \/rows\/0/);
    assert.match(String(asPayload(() => 1)), /as its payload: .*a function/);
    assert.match(String(asPayload([1])), /^expected an object/);
    assert.match(String(asPayload({ text: 'x'.repeat(70_000) })), /has 70011 bytes and may have 65536/);
  });
});
