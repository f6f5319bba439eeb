import assert from 'node:assert/strict';
import { missingAgents, missingHost } from '../../../domain/agents/hosting.ts';

describe('what a task waits for that nobody can start', () => {
  const heard = { silentSeconds: 3 };
  const needs = { taskQueue: 'main', handlers: ['agent:reader', 'tool:mailer'] };

  it('is nothing where one worker of its task queue hosts all', () => {
    assert.equal(
      missingHost(needs, [{ ...heard, taskQueue: 'main', handlers: ['tool:mailer', 'agent:reader', 'agent:x'] }]),
      null,
    );
    assert.equal(missingHost({ ...needs, handlers: [] }, [{ ...heard, taskQueue: 'main', handlers: [] }]), null);
  });

  it('is a worker at all, whatever those of other task queues host', () => {
    const elsewhere = [{ ...heard, taskQueue: 'other', handlers: needs.handlers }];

    assert.equal(
      missingHost(needs, elsewhere),
      'a worker on the task queue "main": none is alive there, `muster worker --task-queue main` starts one',
    );
  });

  it('is named by what nobody hosts, or by what nobody hosts together', () => {
    const reader = { ...heard, taskQueue: 'main', handlers: ['agent:reader'] };
    const mailer = { ...heard, taskQueue: 'main', handlers: ['tool:mailer'] };

    assert.equal(missingHost(needs, [reader]), 'a worker that hosts the tool "mailer" on the task queue "main"');
    assert.equal(
      missingHost(needs, [reader, mailer]),
      'a worker that hosts the agent "reader" and the tool "mailer" together on the task queue "main"',
    );
    const many = { taskQueue: 'main', handlers: ['agent:a', 'agent:b', 'agent:c', 'agent:d', 'agent:e'] };
    assert.match(missingHost(many, [reader]) ?? '', /the agent "a", the agent "b", the agent "c" and 2 more on/);
  });

  it('is a worker that is heard of, while the only one that hosts what it needs is silent', () => {
    const host = { taskQueue: 'main', handlers: needs.handlers };
    const silent = { ...host, silentSeconds: 16 };

    assert.match(
      missingHost(needs, [silent]) ?? '',
      /has been silent for more than 15 s and counts as gone after 45 s$/,
    );
    assert.equal(missingHost(needs, [silent, { ...heard, ...host }]), null);
  });
});

describe('the agents that waiting tasks miss', () => {
  const needs = { taskQueue: 'main', handlers: ['agent:reader', 'tool:mailer'], waiting: 2 };
  const host = { taskQueue: 'main', handlers: needs.handlers, silentSeconds: 3 };

  it('are those that no worker of their task queue hosts, with the tasks that wait for them', () => {
    const others = { ...needs, handlers: ['agent:writer', 'agent:reader'], waiting: 3 };

    assert.deepEqual(missingAgents([needs, others], [host]), { tasks: 3, agents: ['writer'] });
    assert.deepEqual(missingAgents([needs, others], [{ ...host, taskQueue: 'other' }]), {
      tasks: 5,
      agents: ['reader', 'writer'],
    });
    assert.deepEqual(missingAgents([{ ...needs, waiting: 0 }], []), { tasks: 0, agents: [] });
  });

  it('are missed as soon as their only worker has missed a beat', () => {
    assert.deepEqual(missingAgents([needs], [{ ...host, silentSeconds: 16 }]), { tasks: 2, agents: ['reader'] });
  });
});
