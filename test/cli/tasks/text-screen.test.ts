import assert from 'node:assert/strict';
import { TextScreen } from '../../../cli/tasks/text-screen.ts';
import type { TextEvent } from '../../../index.ts';

type Change = Pick<TextEvent, 'type'> & { text?: string; tool?: string; path?: string; step?: number };

function shown(...changes: Change[]): string {
  const pieces: string[] = [];
  const colors = { dim: (dimmed: string) => `<${dimmed}>` };
  const screen = new TextScreen({ piece: (piece) => void pieces.push(piece), colors: colors as never });
  const place = { cursor: '0', traceId: 't', node: 'draft', path: 'draft', step: 1, attempt: 1 };
  for (const change of changes) screen.show({ ...place, ...change } as TextEvent);
  return pieces.join('');
}

describe('what a terminal shows of a text that is being said', () => {
  it('continues the line as it comes, under the name of its call', () => {
    const text = shown(
      { type: 'text.added', text: 'Let me ' },
      { type: 'text.added', text: 'see.' },
      { type: 'tool.asked', tool: 'look-up' },
      { type: 'text.completed' },
      { type: 'text.added', text: 'It is\ntea.', step: 2 },
      { type: 'text.completed', step: 2 },
    );

    assert.equal(text, '<draft, step 1:>\nLet me see.\n<calls look-up>\n<draft, step 2:>\nIt is\ntea.\n');
  });

  it('says of a text that begins anew, has a gap or no end what is the case', () => {
    const text = shown(
      { type: 'text.added', text: 'It b' },
      { type: 'text.restarted' },
      { type: 'text.missed' },
      { type: 'text.failed' },
    );

    const remarks = ['begins anew', 'the rest follows when the answer is complete', 'has no answer'];
    assert.equal(text, `<draft, step 1:>\nIt b\n${remarks.map((remark) => `<${remark}>\n`).join('')}`);
  });

  it('names the call again when others speak in between', () => {
    const text = shown(
      { type: 'text.added', text: 'one' },
      { type: 'text.added', text: 'two', path: 'other' },
      { type: 'text.added', text: 'three' },
    );

    assert.equal(text, '<draft, step 1:>\none\n<other, step 1:>\ntwo\n<draft, step 1:>\nthree');
  });

  it('lets no model steer the terminal', () => {
    const text = shown({ type: 'text.added', text: 'a\u001b[2Jb\rc\u0007\td', path: 'draft\u001b[0m' });

    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f]/);
    assert.match(text, /a \[2Jb c \td/);
  });
});
