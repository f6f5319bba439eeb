import { readStamp } from '../dates/stamp.ts';
import { type ChatFormat, type Source, sampleOf } from '../format.ts';
import { countedOnly } from '../notices.ts';
import { collectMessages, type Opening, type OpenMessage, settle } from '../openings.ts';
import { visiblePosition, withoutInvisible } from '../source-lines.ts';

/** What Android writes, in the languages it is used in most, where a message was deleted or never came. */
const DELETED = new Set(
  `this message was deleted | you deleted this message | null | waiting for this message. this may take a while
  | missed voice call | missed video call
  | diese nachricht wurde gelöscht | du hast diese nachricht gelöscht | se eliminó este mensaje | eliminaste este mensaje
  | este mensaje fue eliminado | ce message a été supprimé | vous avez supprimé ce message | tu as supprimé ce message
  | questo messaggio è stato eliminato | hai eliminato questo messaggio | mensagem apagada | esta mensagem foi apagada
  | essa mensagem foi apagada | apagou esta mensagem | você apagou esta mensagem | dit bericht is verwijderd
  | je hebt dit bericht verwijderd | u hebt dit bericht verwijderd | данное сообщение удалено | вы удалили данное сообщение
  | bu mesaj silindi | bu mesajı sildiniz | pesan ini dihapus | anda menghapus pesan ini | ta wiadomość została usunięta
  | usunięto tę wiadomość | det här meddelandet raderades | denne besked er blevet slettet | denne meldingen ble slettet
  | tämä viesti poistettiin | tato zpráva byla smazána | ez az üzenet törölve lett | acest mesaj a fost șters
  | تم حذف هذه الرسالة | حذفت هذه الرسالة | הודעה זו נמחקה | यह संदेश हटा दिया गया था | यह मैसेज मिटा दिया गया
  | このメッセージは削除されました | 此消息已删除 | 此訊息已被刪除 | 您删除了此消息 | 삭제된 메시지입니다 | 이 메시지는 삭제되었습니다`
    .split('|')
    .map((phrase) => phrase.trim()),
);
const DELETED_BY = /^this message was deleted by admin\b/i;
/** Nobody types `<Media omitted>`: words of letters alone, all in angle brackets, in whatever language. */
const OMITTED = /^<[\p{L}\p{M} .'’-]{4,60}>$/u;
const OMITTED_WORDS =
  /^(?:image|video|audio|sticker|gif|document|contact card|video note|imagen|vídeo|bild|immagine|imagem|afbeelding) (?:omitted|omitida|omitido|weggelassen|omessa|ocultada|weggelaten)$|^.{1,120} (?:document|documento|dokument) (?:omitted|omitido|weggelassen)$/i;
/** `IMG-20240312-WA0001.jpg (file attached)`, with words of any language in the parentheses. */
const ATTACHED = /^[\p{L}\p{N}_. -]{1,80}\.\p{L}[\p{L}\p{N}]{1,4} \([\p{L}\p{M} ]{4,40}\)$/u;
const ATTACHED_IPHONE = /[\u200E\u200F]?<[\p{L} ]{4,20}: [^<>]{1,120}\.\w{2,5}>/u;
const EDITED = /\s?[\u200E\u200F]?<[\p{L}\p{M}'’]{1,20} [\p{L}\p{M} .'’]{4,60}>$/u;
/** What an iPhone adds to a line of a poll, and to a caption for the picture that it leaves out. */
const IPHONE_TAIL = /\s[\u200E\u200F][\p{L}\p{M} ]{5,40}$/u;
const POLL_MARK = /^[\u200E\u200F](?=\p{L})|\s?\([\u200E\u200F]?\d{1,4} [\p{L}\p{M}]{2,20}\)$/gu;

/** A line without what the program added to it: attachments, and the mark that a message was edited. */
function spokenPart(line: string): string {
  const [head, tail] = line.length > 400 ? [line.slice(0, -200), line.slice(-200)] : ['', line];
  if (head === '' && (ATTACHED.test(tail.trim()) || OMITTED.test(tail.trim()))) return '';
  const bare = tail.replace(ATTACHED_IPHONE, '').replace(EDITED, '').replace(IPHONE_TAIL, '').replace(POLL_MARK, '');
  return bare === tail ? line : `${head}${bare}`.trimEnd();
}

/** The placeholder of a message without words; null if somebody said something. */
function unspokenKind(text: string): 'media' | 'deleted or missing' | null {
  if (text.length > 200) return null;
  const folded = text.toLowerCase().replace(/[.。]$/, '');
  if (DELETED.has(folded) || DELETED_BY.test(text)) return 'deleted or missing';
  return OMITTED.test(text) || OMITTED_WORDS.test(folded) ? 'media' : null;
}

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

/** The words of a message, or the kind of its placeholder. */
function spokenOnly(message: OpenMessage): { kind: string | null; body: OpenMessage['body'] } {
  const body = message.body.map(({ line, text }) => ({ line, text: withoutInvisible(spokenPart(text)) }));
  const whole = body.map(({ text }) => text).join('\n');
  const original = message.body.map(({ text }) => withoutInvisible(text)).join('\n');
  const attached = whole.trim() === '' && original.trim() !== '' ? 'media' : null;
  return { kind: unspokenKind(whole.trim()) ?? attached, body };
}
