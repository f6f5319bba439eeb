import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McpSource } from '../../tool-sources/mcp-source.ts';

const program = (code: string) => ({
  ...{ command: process.execPath, args: ['-e', code], cwd: null, env: {}, tools: {} },
});

describe('a source of tools', function () {
  this.timeout(30_000);

  it('is closed at once, also while it waits for a program that says nothing', async () => {
    const source = new McpSource('silent', program('setInterval(() => {}, 1000)'));
    const asked = assert.rejects(source.tools(), { code: 'tool_source_unavailable' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const begun = performance.now();

    await source.close();
    await asked;

    assert.ok(performance.now() - begun < 10_000);
  });

  it('is left alone for a while after it could not be reached, with what the program said last', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'muster-source-')), 'starts');
    const code = `require('fs').appendFileSync('${file}', 'x'); console.error('no licence'); process.exit(3)`;
    const source = new McpSource('broken', program(code));
    const starts = () => readFileSync(file, 'utf8').length;

    await assert.rejects(source.tools(), (error: Error & { why?: string }) => /no licence/.test(error.why ?? ''));
    const first = starts();
    await assert.rejects(source.tools(), { message: 'The tool source "broken" is unavailable.' });

    assert.equal(starts(), first);
    await source.close();
  });

  it('reads no answer without an end', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = () => {
        while (response.write(' '.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const source = new McpSource('endless', { url: `http://127.0.0.1:${port}/mcp`, headers: {}, tools: {} });

    await assert.rejects(source.tools(), (error: Error & { why?: string }) => /12000000 bytes/.test(error.why ?? ''));

    await source.close();
    server.closeAllConnections();
    server.close();
  });
});
