import type { ChatFormat, Message } from '../format.ts';
import {
  type Fields,
  fieldsIn,
  firstId,
  firstText,
  isFields,
  type LocatedRecord,
  recordsAt,
  shareOf,
  timeIn,
  valueAt,
} from '../records.ts';

/** Google Chat as Takeout writes it. */
export const googleChat: ChatFormat = {
  name: 'google-chat',
  recognises({ json }) {
    const messages = fieldsIn(valueAt(json, ['messages']));
    return shareOf(messages, ({ creator, created_date: date }) => isFields(creator) && date !== undefined) > 0.5
      ? 0.95
      : 0;
  },
  read(source) {
    const topics = new Map<string, string>();
    const messages = recordsAt(source, ['messages']).flatMap((record, index) => {
      const message = messageOf(record, String(index));
      const topic = firstId(record.record, ['topic_id']);
      if (message === null || topic === undefined) return message ?? [];
      const repliesTo = topics.get(topic);
      if (repliesTo === undefined) topics.set(topic, message.id ?? '');
      return { ...message, repliesTo };
    });
    return { messages, notices: [] };
  },
};

function messageOf({ record, lineOf }: LocatedRecord, place: string): Message | null {
  if (record.message_state === 'DELETED') return null;
  const written = firstText(record, ['text']) ?? '';
  const text = written === '' ? filesIn(record) : written;
  if (text === '') return null;
  const line = lineOf(written === '' ? 'attached_files' : 'text');
  const creator = isFields(record.creator) ? record.creator : {};
  return {
    line,
    lastLine: line,
    speaker: firstText(creator, ['name', 'email']),
    time: timeIn(record.created_date),
    text,
    automated: creator.user_type === 'Bot',
    wordless: written === '',
    id: firstId(record, ['message_id']) ?? place,
  };
}

function filesIn(record: Fields): string {
  const files = fieldsIn(record.attached_files).map((file) => firstText(file, ['original_name', 'export_name']) ?? '');
  return files.length === 0 ? '' : `[file: ${files.join(', ')}]`;
}
