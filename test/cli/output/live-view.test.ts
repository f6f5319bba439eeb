import assert from 'node:assert/strict';
import { type LiveView, watchView } from '../../../cli/output/live-view.ts';
import { Output, type Sink } from '../../../cli/output/output.ts';
import { MusterError } from '../../../domain/errors.ts';
import { eventually } from '../../support/eventually.ts';

/** Keeps what is written to it. */
class Page implements Sink {
  text = '';
  readonly isTTY: boolean;
  readonly rows = 4;

  constructor({ isTTY }: { isTTY: boolean }) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}

class Away extends MusterError {
  readonly code = 'service_unreachable';
  override readonly retryable = true;
}

class Broken extends MusterError {
  readonly code = 'settings_invalid';
}

/** A view of numbers whose age changes at every look, at answers and errors in turn. */
function viewOf(answers: readonly (number | Error)[], looked: { times: number }): LiveView<number> {
  return {
    read: async () => {
      const answer = answers[Math.min(looked.times, answers.length - 1)] ?? 0;
      looked.times += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    text: (count) => `count ${count}\nsecond\nthird\nfourth\nlook ${looked.times}`,
    line: (count) => `count ${count}`,
    facts: (count) => count,
    data: (count) => ({ count, look: looked.times }),
  };
}

describe('a view that is watched', () => {
  const watch = async (answers: readonly (number | Error)[], options: { isTTY?: boolean; json?: boolean } = {}) => {
    const stdout = new Page({ isTTY: options.isTTY ?? false });
    const stderr = new Page({ isTTY: false });
    const looked = { times: 0 };
    const output = new Output({ json: options.json ?? false, stdout, stderr });
    const watching = watchView(output, viewOf(answers, looked), { everyMs: 5 });
    await eventually(() => looked.times > answers.length);
    process.emit('SIGINT');
    await watching;
    return { stdout: stdout.text, stderr: stderr.text, listeners: process.listenerCount('SIGINT') };
  };

  it('prints one line for each change where nobody sees a screen, and ends at Ctrl-C', async () => {
    const before = process.listenerCount('SIGINT');

    const { stdout, listeners } = await watch([1, 1, 2]);

    assert.equal(stdout, 'count 1\ncount 2\n');
    assert.equal(listeners, before);
  });

  it('prints one JSON value for each change', async () => {
    const { stdout } = await watch([1, 1, 2], { json: true });

    assert.equal(stdout, '{"count":1,"look":1}\n{"count":2,"look":3}\n');
  });

  it('is drawn over itself on a terminal, at every look and no longer than the terminal', async () => {
    const { stdout } = await watch([1, 1], { isTTY: true });

    const screens = stdout.split('\u001b[H\u001b[2J').slice(1);
    assert.ok(screens.length >= 2, stdout);
    for (const screen of screens) assert.equal(screen, 'count 1\nsecond\nthird\n');
  });

  it('continues when a store is back, and says once that it was unavailable', async () => {
    const { stdout, stderr } = await watch([
      1,
      new Away('Redis is unavailable.'),
      new Away('Redis is unavailable.'),
      2,
    ]);

    assert.equal(stdout, 'count 1\ncount 2\n');
    assert.equal(stderr, 'Redis is unavailable. Still watching.\n');
  });

  it('ends with an error that does not pass', async () => {
    const output = new Output({ stdout: new Page({ isTTY: false }), stderr: new Page({ isTTY: false }) });

    await assert.rejects(watchView(output, viewOf([new Broken('broken')], { times: 0 })), { code: 'settings_invalid' });
  });
});
