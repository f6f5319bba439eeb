import type { ChatFormat, Message, Source } from '../format.ts';
import { textOfHtml } from '../html-text.ts';
import { isLabel } from '../labels.ts';

const CUE = /^(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,]\d{1,3}(?: --> |,)(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}(?: |$)/;
const VOICE = /^<v(?:\.[^ >]{1,40})? ([^>]{1,100})>/;
const NAMED = /^(?:>> ?)?([\p{L}\p{N}][^:<>]{0,58}[^:<>\s]): +(?=\S)/u;
const SENTENCE_END = /[.?!…。？！]["”']?$/;
/** A longer speech is not pieced together further. */
const LONGEST = 1_000;

interface Cue {
  readonly line: number;
  readonly time: string;
  readonly text: string;
}

/** Transcripts of meetings as WebVTT, SRT or SBV, as Teams, Zoom, Meet and video sites write them. */
export const captions: ChatFormat = {
  name: 'captions',
  recognises({ lines }: Source) {
    const first = lines.findIndex((line) => line.trim() !== '');
    const head = lines.slice(Math.max(first, 0), first + 40);
    const hasCue = head.some((line) => CUE.test(line));
    return hasCue && (/^WEBVTT/.test(head[0] ?? '') || CUE.test(head[0] ?? '') || CUE.test(head[1] ?? '')) ? 1 : 0;
  },
  read({ lines }) {
    const cues = readCues(lines);
    const named = cues.filter(({ text }) => speakerIn(text) !== null).length;
    const messages = pieced(cues.map((cue) => messageOf(cue, named * 2 >= cues.length)));
    const text = 'The captions do not say who speaks: there are no participants, and what is promised has no owner.';
    return { messages, notices: named === 0 ? [{ code: 'names', text }] : [] };
  },
};

/** The text of a cue is cited by its first line, and lines that only its width broke are one. */
function readCues(lines: readonly string[]): Cue[] {
  const cues: Cue[] = [];
  for (let at = 0; at < lines.length; at++) {
    const cue = CUE.exec(lines[at] ?? '');
    if (cue === null) continue;
    const text: string[] = [];
    const line = at + 2;
    while (at + 1 < lines.length && (lines[at + 1] ?? '').trim() !== '' && !CUE.test(lines[at + 1] ?? ''))
      text.push((lines[++at] ?? '').trim());
    if (text.length > 0) cues.push({ line, time: clockOf(cue), text: text.join(' ') });
  }
  return cues;
}

function clockOf([, hours = '0', minutes = '0', seconds = '0']: RegExpExecArray): string {
  return [hours, minutes, seconds].map((part) => part.padStart(2, '0')).join(':');
}

function speakerIn(text: string): { name: string; rest: string } | null {
  const voice = VOICE.exec(text);
  if (voice !== null) return { name: (voice[1] ?? '').trim(), rest: text.slice(voice[0].length) };
  const named = NAMED.exec(text);
  const name = named?.[1]?.trim() ?? '';
  if (named === null || isLabel(name) || name.split(' ').length > 6) return null;
  return { name, rest: text.slice(named[0].length) };
}

function messageOf({ line, time, text }: Cue, named: boolean): Message {
  const found = named || text.startsWith('<v') ? speakerIn(text) : null;
  const said = textOfHtml(found?.rest ?? text.replace(/^(?:>>|-) ?/, '')).replace(/\s+/g, ' ');
  return { line, lastLine: line, speaker: found?.name ?? null, time, text: said.trim(), automated: false };
}

/** A sentence that runs over several cues of one speaker is one utterance. */
function pieced(messages: readonly Message[]): Message[] {
  const whole: Message[] = [];
  for (const message of messages) {
    const before = whole.at(-1);
    const runsOn = before !== undefined && before.speaker === message.speaker && !SENTENCE_END.test(before.text);
    if (runsOn && before.text.length < LONGEST)
      whole[whole.length - 1] = { ...before, text: `${before.text} ${message.text}` };
    else whole.push(message);
  }
  return whole;
}
