import { readStamp } from '../dates/stamp.ts';
import { type ChatFormat, type Source, sampleOf } from '../format.ts';
import { countedOnly } from '../notices.ts';
import { collectMessages, type Opening, type OpenMessage, settle } from '../openings.ts';
import { visiblePosition, withoutInvisible } from '../source-lines.ts';
import { spokenPart, unspokenKind } from './whatsapp-marks.ts';

/** A mark for the direction of writing, with which iPhones begin whatever the program itself says. */
const MARK = /^[\u200E\u200F]/;

/**
 * WhatsApp, from iPhones (`[12/03/24, 9:15:03 AM] Mara: …`) and Android (`12/03/24, 09:15 - Mara: …`), in the date and
 * clock of every language. What the program says itself, media that are left out and marks of edits are no text.
 */
export const whatsapp: ChatFormat = {
  name: 'whatsapp',
  recognises({ lines }: Source): number {
    const sample = sampleOf(lines);
    const opened = sample.flatMap((line) => openingOf(line) ?? []);
    const spoken = opened.filter(({ dropped }) => dropped !== true).length;
    return spoken >= 2 && spoken >= opened.length / 5 && opened.length >= sample.length / 5 ? 0.9 : 0;
  },
  read({ lines }) {
    const unspoken: string[] = [];
    const messages = collectMessages(lines, (line) => {
      const opening = openingOf(line);
      const kind = opening?.dropped === true ? unspokenKind(withoutInvisible(opening.text).trim()) : null;
      if (kind !== null) unspoken.push(kind);
      return opening;
    });
    const spoken = withoutLongNotices(messages).flatMap((message) => {
      const { kind, body } = spokenOnly(message);
      if (kind !== null) unspoken.push(kind);
      return kind === null ? [{ ...message, body }] : [];
    });
    const { messages: read, notices } = settle(spoken);
    return { messages: read, notices: [...notices, ...countedOnly(unspoken)] };
  },
};

function openingOf(raw: string): Opening | null {
  const head = withoutInvisible(raw.slice(0, 200));
  const iphone = head.startsWith('[');
  const stamp = readStamp(head, iphone ? 1 : 0);
  if (stamp === null || stamp.clock === null || stamp.date === null) return null;
  const begun = /^(?:\]\s{1,3}| [-–] |, (?=.{1,80} : ))/u.exec(head.slice(stamp.end))?.[0];
  if (begun === undefined || begun.startsWith(']') !== iphone) return null;
  const rest = head.slice(stamp.end + begun.length);
  if (/^<[^>]{1,40}> /.test(rest)) return null;
  const colon = /^(.{1,80}?)(?: :|:)(?: |$)/u.exec(rest);
  const speaker = colon?.[1]?.trim() ?? '';
  // A line without a name, or with a quotation where the name would be, is a notice of the program.
  if (colon === null || speaker === '' || /["“”«»]/.test(speaker))
    return { speaker: null, stamp, text: '', dropped: true };
  const text = raw.slice(visiblePosition(raw, stamp.end + begun.length + colon[0].length));
  return { speaker, stamp, text, dropped: bySystem(text) };
}

/** iPhones put their mark in front of all that nobody typed; only a poll, which continues below, is somebody's words. */
function bySystem(text: string): boolean {
  return MARK.test(text) && !/^.\p{Lu}[\p{L} ]{2,12}:$/u.test(text);
}

/** "Mara changed the topic to: …" has a colon too: a long name, seen once, that begins with somebody's. */
function withoutLongNotices(messages: readonly OpenMessage[]): OpenMessage[] {
  const often = new Map<string, number>();
  for (const { speaker } of messages) often.set(speaker ?? '', (often.get(speaker ?? '') ?? 0) + 1);
  return messages.filter(({ speaker }) => {
    if (speaker === null || often.get(speaker) !== 1 || speaker.split(' ').length < 4) return true;
    const words = speaker.split(' ');
    const owner = words.findIndex((_, at) => at > 0 && often.has(words.slice(0, at).join(' ')));
    return owner < 0 || !/^\p{Ll}/u.test(words[owner] ?? '');
  });
}

/** What somebody said of a message, or what kind of thing stands in its place. */
function spokenOnly(message: OpenMessage): { kind: string | null; body: OpenMessage['body'] } {
  const body = message.body.map(({ line, text }) => ({ line, text: withoutInvisible(spokenPart(text)) }));
  const whole = body.map(({ text }) => text).join('\n');
  const original = message.body.map(({ text }) => withoutInvisible(text)).join('\n');
  const attached = whole.trim() === '' && original.trim() !== '' ? 'media' : null;
  return { kind: unspokenKind(whole.trim()) ?? attached, body };
}
