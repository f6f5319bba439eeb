import assert from 'node:assert/strict';
import type { AgentId, TaskId, TraceId } from '../../domain/ids.ts';
import { RedisKeys } from '../../redis/keys.ts';

describe('redis keys', () => {
  const keys = new RedisKeys('muster');

  it('names the bands as the Redis protocol of the agents does', () => {
    const [high, normal, low] = keys.queue('summaries').all;

    assert.deepEqual(
      [high, normal, low],
      [
        'muster:{summaries}:queue:high_priority',
        'muster:{summaries}:queue:normal_priority',
        'muster:{summaries}:queue:low_priority',
      ],
    );
  });

  it('gives all keys of a task queue one hash tag, whatever its name contains', () => {
    const { all, wakeUps } = keys.queue('odd}{ name:ä');

    const tags = [...all, wakeUps].map((key) => /\{([^}]*)\}/.exec(key)?.[1]);

    assert.deepEqual(new Set(tags), new Set(['odd%7D%7B%20name%3A%C3%A4']));
  });

  it('makes a different key for everything', () => {
    const made = [
      ...keys.queue('a').all,
      ...keys.queue('b').all,
      keys.queue('a').wakeUps,
      keys.agentHealth('x' as AgentId),
      keys.agentCommands('x' as AgentId),
      keys.agentResponses('x' as AgentId),
      keys.agentBroadcast(),
      keys.modelHealth(),
      keys.probe(),
      keys.taskEvents('x' as TaskId),
      keys.taskTexts('x' as TaskId),
      keys.liveText('a', 'x' as TraceId, 'draft'),
      keys.liveText('b', 'x' as TraceId, 'draft'),
      keys.liveText('a', 'x' as TraceId, 'draft-2'),
    ];

    assert.equal(new Set(made).size, made.length);
  });
});
