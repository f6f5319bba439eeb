import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { McpSource } from '../../tool-sources/mcp-source.ts';
import { SessionServer } from '../support/session-server.ts';

describe('a source of tools over HTTP', function () {
  this.timeout(30_000);
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  const serve = async (behaviour: ConstructorParameters<typeof SessionServer>[0] = {}) => {
    const server = new SessionServer(behaviour);
    const source = new McpSource('crm', await server.open());
    closers.push(
      () => source.close(),
      () => server.close(),
    );
    const call = async (tool: string) => {
      const { content } = await source.call(tool, {}, { timeoutMs: 10_000, signal: new AbortController().signal });
      return content[0]?.type === 'text' ? content[0].text : '';
    };
    return { server, source, call };
  };
  const began = (server: SessionServer) => server.asked.filter((method) => method === 'initialize').length;

  it('M007: makes a call again where its server has forgotten the session, since it has done nothing', async () => {
    const { server, call } = await serve();
    await call('first');
    server.forgetSessions();

    assert.equal(await call('second'), 'second answers');

    assert.deepEqual([server.calls, began(server)], [['first', 'second'], 2]);
  });

  for (const status of [400, 404, 409, 429, 500, 503]) {
    const known = status === 404 ? 'without a session' : 'of a session that it knows';
    it(`M007: never makes a call again that its server answered with ${status}, ${known}`, async () => {
      let answer = status;
      const { server, call } = await serve({ call: () => answer });
      if (status === 404) server.hasSessions = false;

      await assert.rejects(call('pay'), { code: 'tool_source_lost' });
      assert.deepEqual(server.calls, ['pay']);

      answer = 200;
      assert.equal(await call('later'), 'later answers');
    });
  }

  it('connects anew, but makes no call again, where a session may be unknown by a 400', async () => {
    const { server, call } = await serve();
    await call('first');
    server.unknownSession = 400;
    server.forgetSessions();

    await assert.rejects(call('second'), { code: 'tool_source_lost' });

    assert.equal(await call('third'), 'third answers');
    assert.deepEqual(server.calls, ['first', 'third']);
  });

  it('says that a call was not made where there is no server any more', async () => {
    const { server, call } = await serve();
    await call('first');
    await server.close();
    // Until the client has seen the end of its connection, a request may have been sent on it.
    await new Promise((resolve) => setTimeout(resolve, 100));

    await assert.rejects(call('second'), { code: 'tool_source_unavailable' });
  });

  it('ends no other call when one fails, and none when the session is over', async () => {
    const slow = Promise.withResolvers<number>();
    const answers: Readonly<Record<string, number | Promise<number>>> = { slow: slow.promise, broken: 500 };
    const { server, call } = await serve({ call: (tool) => answers[tool] ?? 200 });
    await call('first');
    const waiting = call('slow');

    await assert.rejects(call('broken'), { code: 'tool_source_lost' });
    server.forgetSessions();
    assert.equal(await call('again'), 'again answers');
    slow.resolve(200);

    assert.equal(await waiting, 'slow answers');
    assert.equal(began(server), 2);
  });

  it('has ten seconds for the whole list, and is left alone after that', async () => {
    const page = async (cursor = '0') => {
      await new Promise((resolve) => setTimeout(resolve, 900));
      return String(Number(cursor) + 1);
    };
    const { server, source } = await serve({ page });
    const begun = performance.now();

    await assert.rejects(source.tools(), { code: 'tool_source_unavailable' });
    const asked = server.asked.length;
    await assert.rejects(source.tools(), { code: 'tool_source_unavailable' });

    assert.ok(performance.now() - begun < 13_000);
    assert.equal(server.asked.length, asked);
  });

  it('reads a stream of notifications for as long as it likes, and no event without an end', async () => {
    const megabyte = 'x'.repeat(1_000_000);
    let written = 0;
    const ended = Promise.withResolvers<number>();
    const write = (response: ServerResponse) => {
      response.once('close', () => ended.resolve(written));
      for (; written < 14; written += 1) response.write(`data: ${megabyte}\n\n`);
      response.write('data: ');
      const more = () => {
        for (let isTaken = true; isTaken && written < 80; written += 1) isTaken = response.write(megabyte);
        if (written === 80) ended.resolve(written);
      };
      response.on('drain', more);
      more();
    };
    const { call } = await serve({ stream: write });

    assert.equal(await call('first'), 'first answers');

    const megabytes = await ended.promise;
    assert.ok(megabytes > 24 && megabytes < 60, `${megabytes} MB`);
  });
});
