import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openModelCaller } from '../../providers/model-caller.ts';
import { call, request, settingsFor } from './scripted-models.ts';

const tools = [{ name: 'write', description: 'Writes a text.', inputSchema: { type: 'object' } }];

describe('a tool call that comes in many pieces', function () {
  this.timeout(120_000);
  let server: Server;
  let length = 0;

  before(async () => {
    server = createServer((received, response) => {
      received.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const pieces = [...JSON.stringify({ text: 'x'.repeat(length) })];
      const [first, ...others] = pieces.map((piece) => ({ index: 0, function: { arguments: piece } }));
      const begun = { ...first, id: 'call-1', type: 'function', function: { ...first?.function, name: 'write' } };
      for (const part of [begun, ...others]) response.write(chunk({ delta: { tool_calls: [part] } }));
      response.end(`${chunk({ delta: {}, finish_reason: 'tool_calls' })}data: [DONE]\n\n`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  function chunk(choice: object): string {
    const record = { id: 'chat', object: 'chat.completion.chunk', created: 1, model: 'scripted' };
    return `data: ${JSON.stringify({ ...record, choices: [{ index: 0, ...choice }] })}\n\n`;
  }

  /** The processor time of reading one, in milliseconds. */
  async function costOf(characters: number): Promise<number> {
    length = characters;
    const { port } = server.address() as AddressInfo;
    const models = await openModelCaller(settingsFor(`http://127.0.0.1:${port}/v1`));
    const before = process.cpuUsage();
    const { calls } = await models.call(request({ tools }), call());
    const { user, system } = process.cpuUsage(before);
    assert.deepEqual(calls[0]?.arguments, { text: 'x'.repeat(characters) });
    return (user + system) / 1_000;
  }

  it('K040: costs in proportion to them, a character each', async () => {
    await costOf(5_000);

    const [few, many] = [await costOf(20_000), await costOf(80_000)];

    assert.ok(many < few * 8, `four times as many pieces cost ${Math.round(many)} ms instead of ${Math.round(few)}`);
  });
});
