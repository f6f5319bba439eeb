import type { ChatFormat, Message, Source } from '../format.ts';
import { textOfHtml } from '../html-text.ts';
import { chosenChat } from '../notices.ts';
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

const GRAPH_PATHS: readonly JsonPath[] = [['value'], [], ['messages']];

/** Messages of Microsoft Teams as Graph gives them, newest first, their text as HTML. */
export const teamsGraph: ChatFormat = {
  name: 'teams',
  recognises({ json }) {
    const records = GRAPH_PATHS.map((path) => fieldsIn(valueAt(json, path))).find((found) => found.length > 0) ?? [];
    return shareOf(records, ({ body, createdDateTime }) => isFields(body) && createdDateTime !== undefined) > 0.5
      ? 0.95
      : 0;
  },
  read(source) {
    const path = GRAPH_PATHS.find((candidate) => fieldsIn(valueAt(source.json, candidate)).length > 0) ?? [];
    return { messages: recordsAt(source, path).flatMap((record) => graphMessage(record) ?? []), notices: [] };
  },
};

/** The personal export of Teams and Skype: conversations, of which one is chosen. */
export const teamsExport: ChatFormat = {
  name: 'teams',
  recognises({ json }) {
    const chats = fieldsIn(valueAt(json, ['conversations']));
    return chats.some(({ MessageList: list }) => Array.isArray(list)) ? 0.95 : 0;
  },
  holdsChats: () => true,
  read(source) {
    const messages = recordsAt(source, conversationPath(source)).flatMap((record) => exportedMessage(record) ?? []);
    return { messages, notices: [] };
  },
};

function graphMessage({ record, lineOf }: LocatedRecord): Message | null {
  if (firstText(record, ['deletedDateTime']) !== null) return null;
  const body = isFields(record.body) ? record.body : {};
  const content = firstText(body, ['content']) ?? '';
  const written = body.contentType === 'text' ? content : textOfHtml(content);
  const files = fieldsIn(record.attachments).flatMap((file) => firstText(file, ['name']) ?? []);
  const text = written !== '' ? written : files.length > 0 ? `[file: ${files.join(', ')}]` : '';
  if (text === '') return null;
  const from = isFields(record.from) ? record.from : {};
  const line = lineOf('body');
  return {
    line,
    lastLine: line,
    speaker: nameIn(from.user) ?? nameIn(from.application),
    time: timeIn(record.createdDateTime),
    text,
    automated: (record.messageType ?? 'message') !== 'message' || !isFields(from.user),
    wordless: written === '',
    id: firstId(record, ['id']),
    repliesTo: firstId(record, ['replyToId']),
  };
}

function nameIn(identity: unknown): string | null {
  return isFields(identity) ? firstText(identity, ['displayName', 'id']) : null;
}

function conversationPath(source: Source): JsonPath {
  const chats = fieldsIn(valueAt(source.json, ['conversations'])).map((chat, index) => ({
    name: chatName(chat),
    path: ['conversations', index, 'MessageList'],
    messages: fieldsIn(chat.MessageList).filter(isWritten).length,
  }));
  return chosenChat(chats, source, 'a whole Teams account').path;
}

function chatName(chat: Fields): string {
  const properties = isFields(chat.threadProperties) ? chat.threadProperties : {};
  return firstText(chat, ['displayName']) ?? firstText(properties, ['topic']) ?? firstText(chat, ['id']) ?? 'chat';
}

function isWritten({ messagetype: type }: Fields): boolean {
  return type === 'RichText/Html' || type === 'RichText' || type === 'Text';
}

function exportedMessage({ record, lineOf }: LocatedRecord): Message | null {
  const text = isWritten(record) ? textOfHtml(firstText(record, ['content']) ?? '') : '';
  if (text === '') return null;
  const line = lineOf('content');
  return {
    line,
    lastLine: line,
    speaker:
      firstText(record, ['displayName']) ?? firstText(record, ['from'])?.replace(/^\d+:(?:live:|orgid:)?/, '') ?? null,
    time: timeIn(record.originalarrivaltime),
    text,
    automated: false,
    id: firstId(record, ['id']),
  };
}
