import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  AGENT_MOVES,
  AGENT_STATUSES,
  type AgentEvent,
  type AgentStatus,
  isLivingAgentStatus,
} from '../../../domain/agents/agent-status.ts';
import { nextAgentStatus } from '../../support/next-agent-status.ts';

const EVENTS = Object.keys(AGENT_MOVES) as AgentEvent[];
const status = fc.constantFrom(...AGENT_STATUSES);
const events = fc.array(fc.constantFrom(...EVENTS), { maxLength: 20 });

describe('the status of an agent', () => {
  it('C020: goes from inactive through starting to active, busy, idle and offline, and back to active', () => {
    const life: AgentEvent[] = ['registered', 'present', 'working', 'rested', 'working', 'silent', 'present'];
    const seen = life.map((_sign, index) => life.slice(0, index + 1).reduce<AgentStatus>(nextAgentStatus, 'inactive'));

    assert.deepEqual(seen, ['starting', 'active', 'busy', 'idle', 'busy', 'offline', 'active']);
  });

  it('C020: is a living one after every beat, whatever came before', () => {
    fc.assert(
      fc.property(status, events, fc.constantFrom('present', 'working', 'rested'), (first, before, beat) => {
        const after = [...before, beat as AgentEvent].reduce(nextAgentStatus, first);
        assert.ok(isLivingAgentStatus(after) && after !== 'starting', after);
      }),
    );
  });

  it('C020: is no living one after silence, a goodbye or a fault, whatever came before', () => {
    fc.assert(
      fc.property(status, events, fc.constantFrom('silent', 'left', 'failed'), (first, before, end) => {
        const after = [...before, end as AgentEvent].reduce(nextAgentStatus, first);
        assert.ok(!isLivingAgentStatus(after), after);
      }),
    );
  });

  it('does not change when the same event comes again', () => {
    fc.assert(
      fc.property(status, fc.constantFrom(...EVENTS), (first, event) => {
        const once = nextAgentStatus(first, event);
        const twice = nextAgentStatus(once, event);
        const settles = event === 'working' && once === 'active' ? 'busy' : once;
        assert.equal(twice, settles);
      }),
    );
  });

  it('says nothing of the work of another process: being present leaves busy and idle as they are', () => {
    assert.equal(nextAgentStatus('busy', 'present'), 'busy');
    assert.equal(nextAgentStatus('idle', 'present'), 'idle');
  });
});
