import { readStamp } from '../dates/stamp.ts';
import { type ChatFormat, sampleOf } from '../format.ts';
import { collectMessages, type Opening, settle } from '../openings.ts';
import { withoutInvisible } from '../source-lines.ts';

const HEAD = 300;
const FROM = /^[ \t]{1,8}From[ \t]{1,4}(.{1,100}?)(?:[ \t]{1,4}to[ \t]{1,4}(.{1,100}?))?[ \t]{0,4}:(?:[ \t]|$)/u;
const DIRECT = /[ \t]?\((?:Direct Message|Privately|Private)\)$/i;
const EVERYBODY =
  /^(?:everyone|everyone in meeting|everyone \(in waiting room\)|all panelists.{0,40}|hosts? and panelists.{0,40})$/i;
/** Reactions, and the line that quotes what a message answers, are nobody's words. */
const REACTION = /^(?:Reacted to|Removed a .{1,30} reaction from) ["“].{0,500}["”].{0,60}$/su;
const QUOTED = /^Replying to ["“].{0,500}["”]:?$/u;

/** The chat that Zoom saves with a meeting. A message to one person is marked with whom it was for. */
export const zoomChat: ChatFormat = {
  name: 'zoom',
  recognises({ lines }) {
    const sample = sampleOf(lines);
    const opened = sample.filter((line) => openingOf(line) !== null).length;
    return opened >= 1 && opened >= sample.length / 8 ? 0.95 : 0;
  },
  read({ lines }) {
    const messages = collectMessages(lines, openingOf).map((message) => {
      const body = message.body.map(({ line, text }) => ({ line, text: text.replace(/^\t/, '') }));
      const spoken = body.filter(({ text }) => !QUOTED.test(text.trim().slice(0, 600)));
      const whole = spoken
        .map(({ text }) => text)
        .join('\n')
        .slice(0, 700)
        .trim();
      return { ...message, body: REACTION.test(whole) ? [] : spoken };
    });
    return settle(messages);
  },
};

function openingOf(raw: string): Opening | null {
  const head = withoutInvisible(raw.slice(0, HEAD));
  const stamp = readStamp(head);
  const from = stamp === null ? null : FROM.exec(head.slice(stamp.end));
  if (stamp === null || from === null) return null;
  const [whole, speaker = '', to = ''] = from;
  const receiver = to.replace(DIRECT, '').trim();
  const direct = receiver !== '' && (DIRECT.test(to) || !EVERYBODY.test(receiver));
  const text = withoutInvisible(raw).slice(stamp.end + whole.length);
  return { speaker: speaker.trim(), stamp, text: text.trim(), directTo: direct ? receiver : undefined };
}
