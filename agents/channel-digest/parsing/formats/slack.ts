import type { ChatFormat, Message, Source } from '../format.ts';
import { withoutMarks } from '../inline-marks.ts';
import { listed } from '../notices.ts';
import {
  type Fields,
  fieldsIn,
  firstId,
  firstText,
  isFields,
  type JsonPath,
  type LocatedRecord,
  recordsAt,
  shareOf,
  timeIn,
  valueAt,
} from '../records.ts';

const PATHS: readonly JsonPath[] = [[], ['messages']];
/** Subtypes under which people say something; all others are the program's. */
const SPOKEN = new Set(['file_share', 'file_comment', 'me_message', 'thread_broadcast', 'reply_broadcast']);

/** A day of a Slack channel as its archive has it. Names come from `users.json`, then from what the messages carry. */
export const slack: ChatFormat = {
  name: 'slack',
  recognises(source) {
    const records = PATHS.map((path) => fieldsIn(valueAt(source.json, path))).find((found) => found.length > 0) ?? [];
    const share = shareOf(records, ({ type, ts }) => type === 'message' && /^\d+\.\d+$/.test(String(ts)));
    return share > 0.5 ? 0.95 : 0;
  },
  read(source) {
    const path = PATHS.find((candidate) => fieldsIn(valueAt(source.json, candidate)).length > 0) ?? [];
    const records = recordsAt(source, path);
    const names = namesIn(source, records);
    const messages = records.flatMap((record) => messageOf(record, names) ?? []);
    return { messages, notices: unnamed(messages, names) };
  },
};

/** The names of people by their ids, from the text of a `users.json`. @throws SyntaxError when it is no JSON */
export function namesInUsersFile(text: string): Map<string, string> {
  const parsed: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
  const users = fieldsIn(isFields(parsed) ? (parsed.members ?? parsed.users) : parsed);
  return new Map(
    users.flatMap((user) => {
      const id = firstId(user, ['id', 'user_id']);
      const name = profileName(user.profile) ?? firstText(user, ['real_name', 'name']);
      return id === undefined || name === null ? [] : [[id, name.slice(0, 255)] as const];
    }),
  );
}

function profileName(profile: unknown): string | null {
  return isFields(profile) ? firstText(profile, ['display_name', 'real_name', 'name', 'first_name']) : null;
}

function namesIn(source: Source, records: readonly LocatedRecord[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { record } of records) {
    const name = profileName(record.user_profile);
    if (typeof record.user === 'string' && name !== null) names.set(record.user, name);
  }
  return new Map([...names, ...source.names]);
}

function messageOf({ record, lineOf }: LocatedRecord, names: ReadonlyMap<string, string>): Message | null {
  if (record.subtype === 'tombstone' || record.hidden === true) return null;
  const written = withoutMarks(firstText(record, ['text']) ?? '', names);
  const files = fieldsIn(record.files).map((file) => firstText(file, ['name', 'title']) ?? 'without a name');
  const text = written !== '' ? written : files.length > 0 ? `[file: ${files.join(', ')}]` : attached(record, names);
  if (text === '') return null;
  const line = lineOf(written !== '' || files.length === 0 ? 'text' : 'files');
  const thread = firstId(record, ['thread_ts']);
  return {
    line,
    lastLine: line,
    speaker: speakerOf(record, names),
    time: timeIn(record.ts),
    text,
    automated: isAutomated(record),
    wordless: written === '',
    id: firstId(record, ['ts']),
    repliesTo: thread === record.ts ? undefined : thread,
  };
}

/** What an app shows below an empty text. */
function attached(record: Fields, names: ReadonlyMap<string, string>): string {
  const shown = fieldsIn(record.attachments).flatMap((one) => firstText(one, ['text', 'fallback', 'title']) ?? []);
  return shown.length === 0 ? '' : `[attachment: ${withoutMarks(shown.join(' '), names)}]`;
}

function speakerOf(record: Fields, names: ReadonlyMap<string, string>): string | null {
  const id = firstId(record, ['user']);
  return id === undefined ? firstText(record, ['username', 'bot_id']) : (names.get(id) ?? id);
}

function isAutomated({ subtype, bot_id: bot }: Fields): boolean {
  return (bot !== undefined && bot !== null) || (subtype !== undefined && !SPOKEN.has(String(subtype)));
}

function unnamed(messages: readonly Message[], names: ReadonlyMap<string, string>) {
  const known = new Set(names.values());
  const ids = messages.flatMap(({ speaker, automated }) =>
    !automated && speaker !== null && !known.has(speaker) && /^[UW][A-Z0-9]{1,}$/.test(speaker) ? [speaker] : [],
  );
  if (ids.length === 0) return [];
  const text = `The names of ${listed([...new Set(ids)])} are not known. Keep the archive's users.json in the folder of the file, or in the one above.`;
  return [{ code: 'names' as const, text }];
}
