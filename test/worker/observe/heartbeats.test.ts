import assert from 'node:assert/strict';
import { mock } from 'node:test';
import type { AgentStatus } from '../../../domain/agents/agent-status.ts';
import type { AgentId } from '../../../domain/ids.ts';
import type { AgentPresence } from '../../../operations/agents/presence.ts';
import { Heartbeats } from '../../../worker/observe/heartbeats.ts';

const WRITER = 'writer-id' as AgentId;
const CRITIC = 'critic-id' as AgentId;

describe('the heartbeats of a worker', () => {
  const working = new Set<string>();
  let beats: AgentId[][];
  let shown: [AgentId, AgentStatus][][];
  let removed: AgentId[];
  let warnings: string[];
  let closedAs: string[];
  let databaseIsUnavailable: boolean;
  let redisIsUnavailable: boolean;
  let heartbeats: Heartbeats;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    working.clear();
    [beats, shown, removed, warnings, closedAs] = [[], [], [], [], []];
    [databaseIsUnavailable, redisIsUnavailable] = [false, false];
    const ids = new Map([
      ['writer', WRITER],
      ['critic', CRITIC],
    ]);
    const presence = {
      ids,
      open: async () => {},
      beat: async (isWorking: (id: AgentId) => boolean) => {
        if (databaseIsUnavailable) throw new Error('the disk is full');
        beats.push([...ids.values()].filter(isWorking));
        return true;
      },
      close: async (reason: string) => {
        closedAs.push(reason);
        return [WRITER];
      },
    } as unknown as AgentPresence;
    heartbeats = new Heartbeats({
      presence,
      board: {
        beat: async (agents) => {
          if (redisIsUnavailable) throw new Error('Redis is unavailable');
          shown.push(agents.map(({ id, status }) => [id, status]));
        },
        remove: async (gone) => {
          removed.push(...gone);
        },
      },
      working: () => working,
      log: { warn: (_facts, message) => void warnings.push(message) },
    });
  });
  afterEach(async () => {
    await heartbeats.close();
    mock.timers.reset();
  });

  /** Lets so much time pass, and what follows from it happen. */
  async function pass(ms: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }

  it('C020: beats at the start and every ten seconds, and says who works', async () => {
    await heartbeats.open();
    await heartbeats.start();
    await pass(9_000);
    const before = beats.length;
    working.add('critic');
    await pass(1_000);
    working.clear();
    await pass(10_000);

    assert.deepEqual([before, beats], [1, [[], [CRITIC], []]]);
    assert.deepEqual(
      shown.map((agents) => agents.map(([, status]) => status)),
      [
        ['active', 'active'],
        ['active', 'busy'],
        ['active', 'idle'],
      ],
    );
  });

  it('continues while Redis is unavailable, and while PostgreSQL takes nothing, each without the other', async () => {
    await heartbeats.open();
    await heartbeats.start();
    redisIsUnavailable = true;
    await pass(10_000);
    redisIsUnavailable = false;
    databaseIsUnavailable = true;
    await pass(10_000);
    databaseIsUnavailable = false;
    await pass(1_000);

    assert.equal(beats.length, 3, 'PostgreSQL missed one, and was tried again after a second');
    assert.equal(shown.length, 3, 'Redis missed one');
    assert.equal(warnings.length, 2);
  });

  it('takes what is gone with it off the board when it says goodbye, and says whether it failed', async () => {
    await heartbeats.open();
    await heartbeats.start();
    heartbeats.markFailed();
    await heartbeats.close();

    assert.deepEqual([closedAs, removed], [['failed'], [WRITER]]);
  });
});
