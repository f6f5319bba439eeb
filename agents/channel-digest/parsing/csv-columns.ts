import { readStamp } from './dates/stamp.ts';

/** Which column of a table holds what; positions from 0. */
export interface CsvColumns {
  readonly text: number;
  readonly author: number | null;
  /** A date and a time may stand in two columns. */
  readonly time: readonly number[];
  readonly file: number | null;
}

/** Headings as people and programs write them, the surest first. */
const TEXT =
  words(`message text | message content | message body | content | contents | message | text | body | msg | chat message | chat
  | comment | utterance | transcript | nachricht | nachrichtentext | inhalt | mensaje | contenido | texto | contenu | texte
  | messaggio | testo | mensagem | conteúdo | bericht | сообщение | текст | メッセージ | 内容 | 消息`);
const AUTHOR =
  words(`author name | sender name | display name | user name | real name | from name | speaker name | author | sender | from
  | user | username | name | full name | speaker | who | nick | nickname | participant | person | member | posted by | sent by
  | created by | absender | autor | benutzer | verfasser | von | remitente | usuario | expéditeur | auteur | utilisateur
  | mittente | autore | utente | remetente | usuário | afzender | gebruiker | отправитель | автор | имя | 送信者 | 发送者 | 发件人`);
const TIME =
  words(`timestamp | datetime | date time | date/time | date and time | sent at | created at | created | sent | posted at
  | message time | ts | when | datum | zeitstempel | fecha | data | дата | 日時 | 时间 | start time | start | date | day | tag | jour`);
const CLOCK = words('time | uhrzeit | zeit | hora | heure | ora | tijd | время');
const FILE = words('attachments | attachment | file | files | anhang | anhänge | media');
/** A cell of words is longer than a name. */
const LONGEST_NAME = 60;

function words(list: string): readonly string[] {
  return list.split('|').map((word) => word.trim());
}

/** The columns that a header names; null when it names no text, or neither an author nor a time. */
export function columnsByHeader(header: readonly string[]): CsvColumns | null {
  const cells = header.map((cell) => cell.trim().toLowerCase().replace(/[_-]/g, ' ').replace(/\s+/g, ' '));
  const find = (names: readonly string[]) => {
    const at = names.map((name) => cells.indexOf(name)).find((column) => column >= 0);
    return at ?? null;
  };
  const text = find(TEXT);
  const author = find(AUTHOR);
  const time = [find(TIME), find(CLOCK)].filter((column) => column !== null);
  const isHeader = cells.length >= 2 && text !== null && (author !== null || time.length > 0);
  return isHeader ? { text, author, time, file: find(FILE) } : null;
}

/** Discord's table keeps a row, without words, for what holds only an embed, a forward or a sticker. */
export function isDiscordHeader(header: readonly string[]): boolean {
  return header.join().toLowerCase().startsWith('authorid,author,date,content');
}

/** The columns by the look of their cells: dates, short words that come again, long words. Null when unclear. */
export function columnsByContent(rows: readonly (readonly string[])[]): CsvColumns | null {
  const sample = rows.slice(0, 200);
  const width = Math.max(0, ...sample.map((cells) => cells.length));
  if (sample.length < 2 || width < 2 || width > 40) return null;
  const columns = Array.from({ length: width }, (_, column) =>
    described(sample.map((cells) => cells[column]?.trim() ?? '')),
  );
  const time = columns.flatMap(({ dates }, column) => (dates >= 0.8 ? [column] : [])).slice(0, 1);
  const left = columns.map((column, at) => ({ ...column, at })).filter(({ at }) => !time.includes(at));
  const text = left.filter(({ spaces }) => spaces >= 0.5).toSorted((one, other) => other.length - one.length)[0];
  const author = left
    .filter(
      (column) => column !== text && column.longest <= LONGEST_NAME && column.repeats >= 1.3 && column.numbers < 0.5,
    )
    .toSorted((one, other) => other.repeats - one.repeats)[0];
  return text === undefined || author === undefined ? null : { text: text.at, author: author.at, time, file: null };
}

function described(cells: readonly string[]) {
  const share = (holds: (cell: string) => boolean) => cells.filter(holds).length / cells.length;
  const filled = cells.filter((cell) => cell !== '');
  return {
    dates: share((cell) => readStamp(cell)?.date != null || /^\d{10}(?:\d{3})?$/.test(cell)),
    spaces: share((cell) => /\S\s+\S/.test(cell)),
    numbers: share((cell) => /^[\d.,-]*$/.test(cell)),
    length: filled.reduce((sum, cell) => sum + cell.length, 0) / Math.max(1, filled.length),
    longest: Math.max(0, ...filled.map((cell) => cell.length)),
    repeats: filled.length / Math.max(1, new Set(filled).size),
  };
}
