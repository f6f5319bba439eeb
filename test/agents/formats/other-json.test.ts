import assert from 'node:assert/strict';
import { parseTranscript } from '../../../agents/channel-digest/parsing/parse-transcript.ts';
import { noticesOf, readJson, said } from './said.ts';

describe('other JSON exports', () => {
  it('of Google Chat are read with their written dates, topics as replies, without what was deleted', () => {
    const message = (fields: object) => ({
      creator: { name: 'Ines Vale', email: 'i@example.org', user_type: 'Human' },
      created_date: 'Tuesday, March 12, 2024 at 9:16:00\u202FPM UTC',
      topic_id: 'a',
      ...fields,
    });
    const talk = readJson({
      messages: [
        message({ text: 'shall we move?' }),
        message({ text: 'fine', creator: { name: 'Bo', user_type: 'Human' } }),
        message({ attached_files: [{ original_name: 'plan.pdf' }], topic_id: 'b' }),
        message({ message_state: 'DELETED' }),
        message({ text: 'reminder', creator: { name: 'Remind', user_type: 'Bot' } }),
      ],
    });

    assert.equal(talk.format, 'google-chat');
    assert.deepEqual(said(talk), [
      ['2024-03-12T21:16:00Z', 'Ines Vale', 'shall we move?'],
      ['2024-03-12T21:16:00Z', 'Bo', 'fine'],
      ['2024-03-12T21:16:00Z', 'Ines Vale', '[file: plan.pdf]'],
    ]);
    assert.equal(talk.utterances[1]?.replyTo, 0);
  });

  it('of Teams by Graph are read oldest first, without HTML, quotes and what the system says', () => {
    const message = (minute: number, content: string, fields: object = {}) => ({
      id: String(minute),
      messageType: 'message',
      createdDateTime: `2024-03-12T09:${minute}:00.12Z`,
      from: { user: { displayName: 'Vale, Ines' } },
      body: { contentType: 'html', content },
      ...fields,
    });
    const talk = readJson({
      value: [
        message(19, '<systemEventMessage/>', { messageType: 'systemEventMessage', from: null }),
        message(18, '<blockquote><p>old</p></blockquote><p>fine&nbsp;&amp; good</p>'),
        message(17, '<attachment id="1"></attachment>', { attachments: [{ name: 'plan.pdf' }] }),
        message(16, '<div><div>shall we <b>move</b>, <at id="0">Bo</at>?</div><ul><li>June</li></ul></div>'),
        message(15, 'a < b', { body: { contentType: 'text', content: 'a < b' } }),
      ],
    });

    assert.equal(talk.format, 'teams');
    assert.deepEqual(said(talk), [
      ['2024-03-12T09:15:00Z', 'Vale, Ines', 'a < b'],
      ['2024-03-12T09:16:00Z', 'Vale, Ines', 'shall we move, @Bo?\nJune'],
      ['2024-03-12T09:17:00Z', 'Vale, Ines', '[file: plan.pdf]'],
      ['2024-03-12T09:18:00Z', 'Vale, Ines', 'fine & good'],
    ]);
  });

  it('of a whole Teams account are read by conversation', () => {
    const conversation = (name: string, ...texts: string[]) => ({
      displayName: name,
      id: name,
      MessageList: texts.map((content, at) => ({
        id: String(at),
        displayName: 'Ines',
        from: '8:live:ines',
        originalarrivaltime: `2024-03-12T09:1${at}:00Z`,
        messagetype: 'RichText/Html',
        content,
      })),
    });
    const account = {
      userId: 'x',
      conversations: [conversation('Club', '<p>one</p>', 'two'), conversation('Bo', 'three')],
    };

    assert.throws(() => readJson(account), /a whole Teams account with 2 chats/);
    assert.deepEqual(
      said(readJson(account, { chat: 'Club' })).map(([, , text]) => text),
      ['one', 'two'],
    );
  });

  it('of Messenger are read oldest first, with their letters repaired', () => {
    const talk = readJson({
      participants: [{ name: 'J\u00c3\u00b6rg' }],
      messages: [
        { sender_name: 'J\u00c3\u00b6rg', timestamp_ms: 1_710_231_420_000, content: 'fine \u00f0\u009f\u008c\u00b8' },
        { sender_name: 'Ines', timestamp_ms: 1_710_231_360_000, content: 'shall we move?' },
      ],
    });

    assert.deepEqual(said(talk), [
      ['2024-03-12T08:16:00Z', 'Ines', 'shall we move?'],
      ['2024-03-12T08:17:00Z', 'Jörg', 'fine 🌸'],
    ]);
  });

  it('of Matrix, and lists that lie deeper, are read', () => {
    const event = (body: string) => ({
      type: 'm.room.message',
      sender: '@ines:example.org',
      content: { body },
      origin_server_ts: 1_710_231_360_000,
    });
    const talk = readJson({ export: { rooms: [{ messages: [event('hello all'), event('anybody?')] }] } });

    assert.deepEqual(said(talk)[0], ['2024-03-12T08:16:00Z', 'ines', 'hello all']);
  });

  it('that name nobody are said to name nobody', () => {
    assert.match(
      noticesOf(readJson([{ text: 'hello all' }, { text: 'bye' }]), 'names').join(),
      /No record says who wrote it/,
    );
  });

  it('that are one long line are cited by the number of the message, and that is said', () => {
    const document = JSON.stringify([
      { author: 'Ines', text: 'shall we move the party?' },
      { author: 'Bo', text: 'fine' },
    ]);

    const talk = parseTranscript(document, 'chat.json');

    assert.deepEqual(
      talk.utterances.map(({ line }) => line),
      [1, 2],
    );
    assert.match(noticesOf(talk, 'lines').join(), /count its messages, not lines/);
  });
});
