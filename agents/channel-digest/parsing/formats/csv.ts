import { parse } from 'csv-parse/sync';
import { TranscriptError } from '../../transcript-error.ts';
import { readTimes } from '../dates/date-order.ts';
import { readStamp } from '../dates/stamp.ts';
import { type ChatFormat, type Message, type Source, sampleOf } from '../format.ts';
import { withoutMarks } from '../inline-marks.ts';
import { fieldsIn, timeIn } from '../records.ts';

/** Which column of a table holds what; positions from 0. */
export interface CsvColumns {
  readonly text: number;
  readonly author: number | null;
  /** A date and a time may be in two columns. */
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
/** Cells of prose are longer than a name. */
const LONGEST_NAME = 60;

function words(list: string): readonly string[] {
  return list.split('|').map((word) => word.trim());
}

/** The columns that a header names; null when it names no text, or neither an author nor a time. */
function columnsByHeader(header: readonly string[]): CsvColumns | null {
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

/** Discord's table keeps a row without words for a message that holds only an embed, a forward or a sticker. */
function isDiscordHeader(header: readonly string[]): boolean {
  return header.join().toLowerCase().startsWith('authorid,author,date,content');
}

/** The columns by the look of their cells: dates, short words that come again, long words. Null when unclear. */
function columnsByContent(rows: readonly (readonly string[])[]): CsvColumns | null {
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

const DELIMITERS = [',', ';', '\t', '|'] as const;
interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/** A table of messages. Its header says which column is what, or the look of the cells does. */
export const csv: ChatFormat = {
  name: 'chat-csv',
  recognises({ lines, name }) {
    const header = lines.find((line) => line.trim() !== '') ?? '';
    if (columnsByHeader(cellsOf(header, delimiterOf(header)) ?? []) !== null) return 0.9;
    return /\.(?:csv|tsv)$/i.test(name) && tableIn(sampleOf(lines).slice(0, 200)) !== null ? 0.7 : 0;
  },
  read(source) {
    const rows = rowsOf(source);
    const first = rows[0]?.cells ?? [];
    const byHeader = columnsByHeader(first);
    const columns = byHeader ?? columnsByContent(rows.map(({ cells }) => cells));
    if (columns === null) return { messages: [], notices: [] };
    const data = byHeader === null ? rows : rows.slice(1);
    const times = timesOf(data, columns);
    const keepsEmpty = isDiscordHeader(first);
    const messages = data.flatMap((row, index) => {
      const message = messageOf(row, columns, keepsEmpty);
      return message === null ? [] : [{ ...message, time: times[index] ?? null }];
    });
    return { messages, notices: [] };
  },
};

function tableIn(lines: readonly string[]): CsvColumns | null {
  const delimiter = delimiterOf(lines[0] ?? '');
  return columnsByContent(lines.flatMap((line) => [cellsOf(line, delimiter) ?? []]));
}

/** The sign that cuts the header into most cells. */
function delimiterOf(header: string): string {
  const counts = DELIMITERS.map((sign) => ({ sign, cells: header.slice(0, 2_000).split(sign).length }));
  return counts.toSorted((one, other) => other.cells - one.cells)[0]?.sign ?? ',';
}

function cellsOf(line: string, delimiter: string): string[] | null {
  try {
    return parse(line.slice(0, 20_000), { delimiter, relax_quotes: true, relax_column_count: true })[0] ?? null;
  } catch {
    return null;
  }
}

function rowsOf({ text }: Source): Row[] {
  const header = text.slice(0, 20_000).trimStart().split('\n', 1)[0] ?? '';
  let line = 1;
  try {
    const records: unknown = parse(text, {
      ...{ delimiter: delimiterOf(header), record_delimiter: '\n', raw: true },
      ...{ relax_quotes: true, relax_column_count: true, skip_empty_lines: true },
    });
    return fieldsIn(records).map(({ record, raw: source }) => {
      const raw = String(source);
      const blank = /^\n*/.exec(raw)?.[0].length ?? 0;
      const row = { line: line + blank, cells: Array.isArray(record) ? record.map(String) : [] };
      line += raw.split('\n').length - 1;
      return row;
    });
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new TranscriptError(`Expected a table of messages as CSV, found: ${found} Export it again.`, null, {
      cause: error,
    });
  }
}

/** Dates of all rows are settled together; what is no date stays as it is. */
function timesOf(rows: readonly Row[], { time }: CsvColumns): Array<string | null> {
  const texts = rows.map(({ cells }) =>
    time
      .map((column) => cells[column]?.trim() ?? '')
      .join(' ')
      .trim(),
  );
  const stamps = texts.map((text) => (/^\d{9,}/.test(text) ? null : readStamp(text)));
  const read = readTimes(stamps).times;
  return texts.map((text, index) => read[index] ?? timeIn(text));
}

function messageOf({ line, cells }: Row, columns: CsvColumns, keepsEmpty: boolean): Message | null {
  const speaker = columns.author === null ? null : (cells[columns.author]?.trim().replace(/#\d{4}$/, '') ?? '');
  const written = withoutMarks(cells[columns.text] ?? '');
  const file = columns.file === null ? '' : (cells[columns.file]?.trim() ?? '');
  const text =
    written !== '' ? written : file !== '' ? `[file: ${file.split('/').at(-1)}]` : keepsEmpty ? '[no text]' : '';
  if (text === '') return null;
  const wordless = written === '';
  return {
    line,
    lastLine: line,
    speaker: speaker === '' ? null : speaker,
    time: null,
    text,
    // The table does not say who is a bot; one that writes nothing but embeds mostly says so in its name.
    automated: wordless && /(?:bot|hook)$/i.test(speaker ?? ''),
    wordless,
  };
}
