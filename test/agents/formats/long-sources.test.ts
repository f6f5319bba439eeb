import { parseTranscript } from '../../../agents/channel-digest/parsing/parse-transcript.ts';
import { TranscriptError } from '../../../agents/channel-digest/transcript-error.ts';

/** What takes minutes, far longer than a test may take, for a pattern that reads it more than once. */
const LENGTH = 300_000;

function repeated(piece: string): string {
  return piece.repeat(Math.ceil(LENGTH / piece.length));
}

function slackDay(text: string): string {
  return JSON.stringify([{ type: 'message', user: 'U1', text, ts: '1710231360.000100' }]);
}

function teamsMessage(content: string): string {
  const body = { contentType: 'html', content: `hello ${content}` };
  return JSON.stringify({
    value: [{ createdDateTime: '2024-03-12T09:16:00Z', from: { user: { displayName: 'A' } }, body }],
  });
}

describe('a reader', () => {
  const SOURCES: Record<string, string> = {
    'stamps without an end': `mara: hi\n${repeated('[12/03/24, 9:15] ')}`,
    'a line of blanks': `mara: hi\n${repeated(' ')}x\ntom: ok`,
    'emphasis without an end': `# notes\n${repeated('*_')}x\n${repeated('**a')}`,
    'links without an end': `# notes\n${repeated('[')}x\n${repeated('](')}`,
    'headings and rules': `# ${repeated('#')} x\n ${repeated('- ')}x\n${repeated('-')}x\n|${repeated('-|')}x`,
    'a list of attendees': `Attendees: ${repeated('Ann Lee, ')}`,
    'attendees and blanks': `Attendees${repeated(' ')}x`,
    'mentions that run on': `[10:02] mara: hi\n[10:03] tom: ${repeated('@a.b-')}`,
    'names of emoji that run on': `[10:02] mara: hi\n[10:03] tom: ${repeated(':a')}`,
    'marks of Slack without an end': slackDay(`hello ${repeated('<@')}${repeated('<http:')}`),
    'HTML that is never closed': teamsMessage(repeated('<div><b ')),
    'a cell of CSV that is never closed': `author,content\nann,"hello ${repeated('x"y ')}`,
    'a JSON text that is cut off': `[{"author": "ann", "text": "${repeated('\\"')}`,
    'a person for each line': Array.from({ length: 8_000 }, (_, at) => `12/03/24, 09:15 - Mara${at} Lind: hi all`).join(
      '\n',
    ),
  };
  for (const [kind, text] of Object.entries(SOURCES)) {
    it(`ends, because its time grows as the length of the source and not as its square: ${kind}`, () => {
      try {
        parseTranscript(text, 'talk.txt');
      } catch (error) {
        if (!(error instanceof TranscriptError)) throw error;
      }
    });
  }
});
