import { parse } from 'csv-parse/sync';
import { TranscriptError } from '../../transcript-error.ts';
import { type CsvColumns, columnsByContent, columnsByHeader, isDiscordHeader } from '../csv-columns.ts';
import { readTimes } from '../dates/date-order.ts';
import { readStamp } from '../dates/stamp.ts';
import { type ChatFormat, type Source, sampleOf } from '../format.ts';
import { withoutMarks } from '../inline-marks.ts';
import type { Message } from '../message.ts';
import { fieldsIn, timeIn } from '../records.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;
const NO_NAMES: ReadonlyMap<string, string> = new Map();

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
  const written = withoutMarks(cells[columns.text] ?? '', NO_NAMES);
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
