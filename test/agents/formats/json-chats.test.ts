import assert from 'node:assert/strict';
import { namesInUsersFile } from '../../../agents/channel-digest/parsing/formats/slack.ts';
import { parseTranscript } from '../../../agents/channel-digest/parsing/parse-transcript.ts';
import { noticesOf, readJson, said } from './said.ts';

const slackMessage = (ts: string, fields: object) => ({ type: 'message', ts: `17104032${ts}.000100`, ...fields });

describe('a Slack export', () => {
  const day = [
    slackMessage('00', { user: 'U1AAA', text: '<@U1AAA> has joined the channel', subtype: 'channel_join' }),
    slackMessage('10', {
      user: 'U1AAA',
      text: 'R&amp;D &lt;3 <!channel> see <https://example.org/x|the page> in <#C1|boats>',
    }),
    slackMessage('20', {
      user: 'U2BBB',
      text: '<@U1AAA> and <@U9ZZZ|zoe>: <mailto:a@example.org|a@example.org>',
      thread_ts: '1710403210.000100',
    }),
    slackMessage('30', { bot_id: 'B1', subtype: 'bot_message', username: 'deploy', text: 'deployed' }),
    slackMessage('40', { user: 'U9ZZZ', text: '', files: [{ name: 'plan.pdf' }], upload: true }),
    slackMessage('50', { user: 'U2BBB', text: 'is on the phone', subtype: 'me_message' }),
    slackMessage('55', { user: 'U2BBB', text: '', subtype: 'tombstone', hidden: true }),
  ];
  const users = [
    { id: 'U1AAA', name: 'ines', profile: { display_name: 'ines', real_name: 'Ines Vale' } },
    { id: 'U2BBB', name: 'bo', profile: { display_name: '', real_name: 'Bo Kay' } },
  ];
  const names = Object.fromEntries(namesInUsersFile(JSON.stringify(users)));

  it('is read with names from the list of users, times from ts, marks and entities decoded', () => {
    const talk = readJson(day, { names });

    assert.equal(talk.format, 'slack');
    assert.deepEqual(said(talk), [
      ['2024-03-14T08:00:10Z', 'ines', 'R&D <3 @channel see the page in #boats'],
      ['2024-03-14T08:00:20Z', 'Bo Kay', '@ines and @zoe: a@example.org'],
      ['2024-03-14T08:00:40Z', 'U9ZZZ', '[file: plan.pdf]'],
      ['2024-03-14T08:00:50Z', 'Bo Kay', 'is on the phone'],
    ]);
    assert.equal(talk.utterances[2]?.replyTo, 1);
    assert.match(noticesOf(talk, 'names').join(), /U9ZZZ.*users\.json/);
    assert.match(noticesOf(talk, 'content').join(), /1 × file/);
    assert.ok(!talk.people.some(({ name }) => name === 'deploy'));
  });

  it('is read with names from the profiles of its messages, and without names by its ids', () => {
    const profiled = day.map((message) => ({ ...message, user_profile: { display_name: '', real_name: 'Prof. X' } }));

    assert.deepEqual([...new Set(said(readJson(profiled)).map(([, speaker]) => speaker))], ['Prof. X']);
    assert.deepEqual([...new Set(said(readJson(day)).map(([, speaker]) => speaker))], ['U1AAA', 'U2BBB', 'U9ZZZ']);
  });

  it('is put in the order of time', () => {
    assert.deepEqual(said(readJson(day.toReversed(), { names })), said(readJson(day, { names })));
  });

  it('is read as the API gives it', () => {
    assert.equal(readJson({ ok: true, messages: day }, { names }).format, 'slack');
  });
});

describe('a Telegram export', () => {
  const chat = (name: string, ...texts: unknown[]) => ({
    name,
    type: 'private_group',
    id: 7,
    messages: [
      { id: 1, type: 'service', date: '2024-03-12T09:15:00', actor: 'Ines', action: 'create_group', text: '' },
      ...texts.map((text, at) => ({
        id: at + 2,
        type: 'message',
        date: `2024-03-12T09:16:0${at}`,
        from: at === 1 ? null : 'Ines 🚣',
        from_id: `user${at}`,
        text,
      })),
    ],
  });

  it('is read with texts of many parts, and ids for those who deleted their account', () => {
    const talk = readJson(chat('Club', ['I vote for ', { type: 'bold', text: 'June' }, '!'], 'fine'));

    assert.equal(talk.format, 'telegram');
    assert.deepEqual(said(talk), [
      ['2024-03-12T09:16:00', 'Ines 🚣', 'I vote for June!'],
      ['2024-03-12T09:16:01', 'user1', 'fine'],
    ]);
  });

  it('counts photos, stickers and voice messages, reads a poll, and says what is forwarded', () => {
    const base = { type: 'message', date: '2024-03-12T09:16:00', from: 'Bo', from_id: 'user2', text: '' };
    const talk = readJson({
      name: 'Club',
      type: 'private_group',
      id: 7,
      messages: [
        { ...base, id: 1, photo: 'a.jpg' },
        { ...base, id: 2, media_type: 'sticker', sticker_emoji: '👋', file: 'b.webp' },
        { ...base, id: 3, media_type: 'voice_message', file: 'c.ogg' },
        { ...base, id: 4, poll: { question: 'Which day?', answers: [{ text: 'Monday' }] } },
        { ...base, id: 5, text: 'we moved', forwarded_from: 'News', reply_to_message_id: 4 },
      ],
    });

    assert.deepEqual(
      said(talk).map(([, , text]) => text),
      ['[photo]', '[sticker 👋]', '[voice message]', 'Which day?\n– Monday', 'we moved'],
    );
    assert.equal(talk.utterances[4]?.replyTo, 3);
    assert.match(noticesOf(talk, 'content').join(' '), /1 message is forwarded.*3 messages hold no words.*1 × photo/);
  });

  it('of a whole account names its chats and how to choose one', () => {
    const account = {
      about: 'x',
      chats: { about: 'y', list: [chat('Club', 'one', 'two', 'three'), chat('Bo', 'four')] },
    };

    assert.throws(() => readJson(account), /2 chats: "Club" \(3\) and "Bo" \(1\).*--chat NAME/);
    assert.throws(() => readJson(account, { chat: 'Nobody' }), /None of them is called "Nobody"/);
    assert.deepEqual(
      said(readJson(account, { chat: 'bo' })).map(([, , text]) => text),
      ['four'],
    );
    assert.equal(readJson({ chats: { list: [chat('Club', 'one')] } }).utterances.length, 1);
  });

  it('cites the line of each text, in a whole account too', () => {
    const document = JSON.stringify({ chats: { list: [chat('Club', 'one'), chat('Bo', 'four', 'five')] } }, null, 1);

    const { utterances } = parseTranscript(document, 'result.json', { chat: 'Bo' });

    const lines = document.split('\n');
    assert.deepEqual(
      utterances.map(({ line }) => lines[line - 1]?.trim()),
      ['"text": "four"', '"text": "five"'],
    );
  });

  it('refuses the choice of a chat where there is only one', () => {
    assert.throws(() => readJson(chat('Club', 'one'), { chat: 'Club' }), /holds only one/);
  });
});

describe('a Discord export', () => {
  const message = (id: string, fields: object) => ({
    id,
    type: 'Default',
    timestamp: `2024-03-12T09:1${id}:00.000+00:00`,
    content: '',
    author: { id: 'u1', name: 'ines', nickname: 'Ines', isBot: false },
    ...fields,
  });
  const talk = readJson({
    guild: { id: '1' },
    channel: { id: '2', name: 'general' },
    messages: [
      message('0', {
        content: 'shall we move, <@u2>? <:boat:123>',
        mentions: [{ id: 'u2', name: 'bo', nickname: 'Bo' }],
      }),
      message('1', { stickers: [{ name: 'wave' }], author: { id: 'u2', name: 'bo', nickname: 'Bo' } }),
      message('2', { embeds: [{ title: 'CI failed' }], author: { id: 'b', name: 'hook', isBot: true } }),
      message('3', { forwardedMessage: { content: 'it is free' } }),
      message('4', { type: 'ThreadCreated', content: 'venue' }),
      message('5', { type: 'Reply', content: 'fine', reference: { messageId: '0' } }),
      message('6', { attachments: [{ fileName: 'plan.pdf' }] }),
      message('7', { type: 'GuildMemberJoin', content: 'Joined the server.' }),
    ],
  });

  it('is read with nicknames and mentions, and says what holds only a sticker, a forward or a file', () => {
    assert.equal(talk.format, 'discord');
    assert.deepEqual(
      said(talk).map(([, speaker, text]) => [speaker, text]),
      [
        ['Ines', 'shall we move, @Bo? :boat:'],
        ['Bo', '[sticker: wave]'],
        ['Ines', '[forward: it is free]'],
        ['Ines', 'fine'],
        ['Ines', '[file: plan.pdf]'],
      ],
    );
    assert.match(
      noticesOf(talk, 'content').join(' '),
      /1 thread was started.*venue.*1 × sticker, 1 × forward and 1 × file/,
    );
  });

  it('counts for a person what has no words, and gives no words to it', () => {
    assert.deepEqual(
      talk.utterances.filter(({ wordless, automated }) => wordless && !automated).map(({ speaker }) => speaker),
      ['Bo', 'Ines', 'Ines'],
    );
  });
});
