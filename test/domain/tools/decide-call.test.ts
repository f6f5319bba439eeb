import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RISK_CLASSES, type RiskClass } from '../../../domain/agents/risk.ts';
import type { GrantId } from '../../../domain/ids.ts';
import type { Json } from '../../../domain/json.ts';
import { type CallQuestion, decideCall, type Grant } from '../../../domain/tools/decide-call.ts';
import { governedTool } from '../../../domain/tools/governed-tool.ts';

const NOW = new Date('2026-11-30T17:00:00Z');
const refund = governedTool({ name: 'refund', risk: 'external_write' });

const grantOf = (more: Partial<Grant> = {}): Grant => ({
  ...{ id: 'g1' as GrantId, agent: 'triage', tool: 'refund', toolDigest: null, condition: null, approval: false },
  ...{ perTask: null, perHour: null, expiresAt: null, ...more },
});

const question = (more: Partial<CallQuestion> = {}): CallQuestion => ({
  ...{ agent: 'triage', onBehalfOf: [], tool: refund, arguments: { amount: 5 }, policy: null, grants: [] },
  ...{ uses: new Map(), now: NOW, ...more },
});

const verdictOf = (more: Partial<CallQuestion>) => decideCall(question(more)).verdict;
const withRisk = (risk: RiskClass) => governedTool({ name: 'tool', risk });

const risks = fc.constantFrom(...(Object.keys(RISK_CLASSES) as RiskClass[]));
const agents = fc.constantFrom('triage', 'writer', 'research');
const grants = fc.array(
  fc.record({
    id: fc.uuid().map((id) => id as GrantId),
    agent: agents,
    tool: fc.constantFrom('refund', 'other'),
    toolDigest: fc.constantFrom(null, 'as granted'),
    condition: fc.constantFrom(
      null,
      { type: 'object', properties: { amount: { type: 'number', maximum: 3 } } },
      // Malformed: no type beside it.
      { maximum: 3 },
    ),
    approval: fc.boolean(),
    perTask: fc.constantFrom(null, 1, 3),
    perHour: fc.constantFrom(null, 2),
    expiresAt: fc.constantFrom(null, new Date(NOW.getTime() - 1), new Date(NOW.getTime() + 1)),
  }),
  { maxLength: 6 },
);
const policies: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  ...[null, {}, { risks: { external_write: 'allow' } }, { risks: { external_write: 'never' } }],
  ...[{ tools: { refund: 'grant' } }, { tools: { refund: 'allow' } }, { tools: { refund: 'never' } }],
);
const used = fc.record({ inTask: fc.nat(4), inHour: fc.nat(3) });
const questions = fc
  .record({
    agent: agents,
    onBehalfOf: fc.array(agents, { maxLength: 2 }),
    tool: fc
      .tuple(risks, fc.constantFrom(null, 'as granted', 'changed since'))
      .map(([risk, digest]) => governedTool({ name: 'refund', risk, digest })),
    arguments: fc.constantFrom<Json>({ amount: 2 }, { amount: 9 }, {}),
    policy: policies,
    grants,
    uses: fc.array(used, { minLength: 6, maxLength: 6 }),
    now: fc.constant(NOW),
  })
  .map(({ uses, ...rest }): CallQuestion => {
    const counted = rest.grants.flatMap(({ id }, index) => {
      const use = uses[index];
      return use === undefined ? [] : ([[id, use]] as const);
    });
    return { ...rest, uses: new Map(counted) };
  });
const isDenied = (asked: CallQuestion) => decideCall(asked).verdict === 'denied';

describe('the decision on a call', () => {
  it('C009: allows by itself what only reads, and denies everything else that was not granted', () => {
    const verdicts = (Object.keys(RISK_CLASSES) as RiskClass[]).map((risk) => [
      risk,
      verdictOf({ tool: withRisk(risk) }),
    ]);

    assert.deepEqual(Object.fromEntries(verdicts), {
      read_only: 'allowed',
      network_read: 'allowed',
      data_exfiltration_risk: 'allowed',
      external_write: 'denied',
      high_risk: 'denied',
    });
  });

  it('C009: counts a tool without a class as high risk, and denies it', () => {
    const unclassified = governedTool({ name: 'unclassified' });

    const decision = decideCall(question({ tool: unclassified, policy: { risks: { external_write: 'allow' } } }));

    assert.equal(decision.verdict, 'denied');
    assert.match(decision.reason, /"triage" may not use the tool "unclassified": it is high_risk and was not granted/);
    assert.equal(verdictOf({ tool: withRisk('made_up' as RiskClass), grants: [] }), 'denied');
  });

  it('C009: denies everything under a document that it cannot read, whatever it was before or would allow', () => {
    const malformed: Json[] = [
      ...['allow', 7, true, [], { risk: { read_only: 'allow' } }, { risks: { readonly: 'allow' } }],
      ...[{ risks: { read_only: 'permit' } }, { tools: { refund: ['allow'] } }, { tools: 'refund' }, { risks: null }],
      { risks: { external_write: 'allow' }, tools: { refund: 'allow' }, comment: 'for now' },
    ];

    for (const policy of malformed) {
      const all = { policy, grants: [grantOf()] };
      assert.equal(verdictOf(all), 'denied', JSON.stringify(policy));
      assert.equal(verdictOf({ ...all, tool: withRisk('read_only') }), 'denied', JSON.stringify(policy));
    }
  });

  it('merges the document of a tenant over the policy that ships, a tool over its class', () => {
    const policy = { risks: { network_read: 'grant', external_write: 'allow' }, tools: { refund: 'never' } };

    assert.equal(verdictOf({ policy, tool: withRisk('network_read') }), 'denied');
    assert.equal(verdictOf({ policy, tool: withRisk('read_only') }), 'allowed');
    assert.equal(verdictOf({ policy, tool: withRisk('external_write') }), 'allowed');
    assert.equal(verdictOf({ policy, grants: [grantOf()] }), 'denied');
  });

  it('follows the first grant that lets the call through, one that asks nobody before one that does', () => {
    const small = { type: 'object', required: ['amount'], properties: { amount: { type: 'number', maximum: 10 } } };
    const grants = [
      grantOf({ id: 'asks' as GrantId, approval: true }),
      grantOf({ id: 'small' as GrantId, condition: small }),
    ];

    const little = decideCall(question({ grants }));
    const much = decideCall(question({ grants, arguments: { amount: 11 } }));

    assert.deepEqual([little.verdict, much.verdict], ['allowed', 'approval']);
    assert.match(little.reason, /small/);
  });

  it('says why no grant lets the call through', () => {
    const why = (grant: Partial<Grant>, inTask = 0, inHour = 0) =>
      decideCall(question({ grants: [grantOf(grant)], uses: new Map([['g1', { inTask, inHour }]]) })).reason;

    assert.match(why({ expiresAt: NOW }), /the grant g1 expired at 2026-11-30T17:00:00.000Z/);
    assert.match(why({ condition: { type: 'object', maxProperties: 0 } }), /do not fit the grant g1/);
    assert.match(why({ condition: { maximum: 3 } }), /do not fit the grant g1 .*needs the type/);
    assert.match(why({ perTask: 2 }, 2), /allows 2 calls in a task/);
    assert.match(why({ perHour: 3 }, 0, 3), /allows 3 calls in an hour/);
    assert.match(why({ perTask: 2 }, 1), /^It was granted/);
  });

  it('denies a grant with limits whose uses nobody counted', () => {
    assert.equal(verdictOf({ grants: [grantOf({ perTask: 5 })] }), 'denied');
  });

  it('S16: gives an agent that acts for others what all of them have', () => {
    fc.assert(
      fc.property(questions, (asked) => {
        const alone = [asked.agent, ...asked.onBehalfOf].map((agent) => ({ ...asked, agent, onBehalfOf: [] }));

        assert.equal(isDenied(asked), alone.some(isDenied));
        const asks = (one: CallQuestion) => decideCall(one).verdict === 'approval';
        if (!isDenied(asked)) assert.equal(asks(asked), alone.some(asks));
      }),
      { numRuns: 500 },
    );
  });

  it('lets a grant count only for the tool that a person looked at, where a tool can change', () => {
    const of = (digest: string | null, toolDigest: string | null) =>
      decideCall(question({ tool: governedTool({ ...refund, digest }), grants: [grantOf({ toolDigest })] }));

    assert.deepEqual(
      [of('one', 'one'), of('two', 'one'), of('one', null), of(null, 'one')].map(({ verdict }) => verdict),
      ['allowed', 'denied', 'denied', 'allowed'],
    );
    assert.match(of('two', 'one').reason, /the tool is not the one that the grant g1 was given for/);
  });

  it('never denies more because of one more grant, and never allows more because of one less', () => {
    fc.assert(
      fc.property(questions, grants, (asked, more) => {
        if (isDenied({ ...asked, grants: [...asked.grants, ...more] })) assert.ok(isDenied(asked));
      }),
      { numRuns: 500 },
    );
  });

  it('C009: never allows under a malformed document what it denied under the one before', () => {
    fc.assert(
      fc.property(questions, fc.jsonValue(), (asked, anything) => {
        const policy = { risks: { external_write: 'allow', high_risk: 'allow' }, extra: anything as Json };

        assert.ok(isDenied({ ...asked, policy }));
      }),
    );
  });

  it('names the one for whom it acts and who lacks the grant', () => {
    const { verdict, reason } = decideCall(question({ grants: [grantOf()], onBehalfOf: ['triage', 'intern'] }));

    assert.equal(verdict, 'denied');
    assert.match(reason, /The agent "intern", for whom "triage" acts, may not use the tool "refund"/);
  });
});
