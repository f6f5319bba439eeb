import assert from 'node:assert/strict';
import { readLines, said } from './said.ts';

const RULE = '='.repeat(62);

describe("Discord's text export", () => {
  it('is told by its header, however little was said, and its last lines are nobody’s words', () => {
    const talk = readLines(
      ...[RULE, 'Guild: Rowing', 'Channel: boats / repairs', 'Topic: what is broken', RULE, ''],
      ...['[23-Nov-26 09:02 AM] mara', 'shall we order the oars?', ''],
      ...[
        '[23-Nov-26 09:03 AM] kim (pinned)',
        'yes, ten of them',
        '',
        '{Attachments}',
        'https://cdn.example/x.png',
        '',
      ],
      ...['', RULE, 'Exported 2 message(s)', RULE],
    );

    assert.equal(talk.format, 'discord');
    assert.deepEqual(said(talk), [
      ['2026-11-23T09:02', 'mara', 'shall we order the oars?'],
      ['2026-11-23T09:03', 'kim', 'yes, ten of them'],
    ]);
  });
});
