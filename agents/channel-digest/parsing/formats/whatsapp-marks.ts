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
export function spokenPart(line: string): string {
  const [head, tail] = line.length > 400 ? [line.slice(0, -200), line.slice(-200)] : ['', line];
  if (head === '' && (ATTACHED.test(tail.trim()) || OMITTED.test(tail.trim()))) return '';
  const bare = tail.replace(ATTACHED_IPHONE, '').replace(EDITED, '').replace(IPHONE_TAIL, '').replace(POLL_MARK, '');
  return bare === tail ? line : `${head}${bare}`.trimEnd();
}

/** What stands in the place of a whole message that holds no words; null where somebody said something. */
export function unspokenKind(text: string): 'media' | 'deleted or missing' | null {
  if (text.length > 200) return null;
  const folded = text.toLowerCase().replace(/[.。]$/, '');
  if (DELETED.has(folded) || DELETED_BY.test(text)) return 'deleted or missing';
  return OMITTED.test(text) || OMITTED_WORDS.test(folded) ? 'media' : null;
}
