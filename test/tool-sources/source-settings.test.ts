import assert from 'node:assert/strict';
import { parseSourceSettings } from '../../tool-sources/source-settings.ts';

const SECRET = 'sk-canary-7f3a';
const read = (sources: unknown, variables: Record<string, string> = { CRM_KEY: SECRET }) =>
  parseSourceSettings({ sources }, { file: 'sources.json', variables });

describe('the settings of tool sources', () => {
  it('say where programs and addresses are, with the keys that variables hold', () => {
    const crm = { url: 'https://crm.example.com/mcp', key: 'env:CRM_KEY', headers: { 'x-team': 'blue' } };
    const files = { command: 'npx', args: ['files'], env: { MODE: 'fast', TOKEN: 'env:CRM_KEY' } };

    const settings = read({ crm, files: { ...files, tools: { read: { risk: 'read_only', timeoutMs: 10 } } } });

    assert.deepEqual(settings.get('crm'), {
      url: crm.url,
      headers: { 'x-team': 'blue', authorization: `Bearer ${SECRET}` },
      tools: {},
    });
    assert.deepEqual(settings.get('files'), {
      ...{ command: 'npx', args: ['files'], cwd: null, env: { MODE: 'fast', TOKEN: SECRET } },
      tools: { read: { risk: 'read_only', timeoutMs: 10 } },
    });
  });

  it('are refused with every fault at once', () => {
    const wrong = {
      Crm: { command: 'a' },
      'no-key': { url: 'https://a.example', key: 'env:MISSING' },
      both: { command: 'a', url: 'https://a.example' },
      plain: { url: 'ftp://a.example' },
      open: { url: 'https://a.example', headers: { authorization: 'x' } },
      risky: { command: 'a', tools: { read: { risk: 'harmless' }, write: { timeout: 5 } } },
      none: 7,
    };

    assert.throws(
      () => read(wrong),
      (error: Error) => {
        const said = [
          /sources\.Crm must have a name like/,
          /sources\.no-key\.key names the variable MISSING, which is not set/,
          /sources\.both has the unknown field url/,
          /sources\.plain\.url must be an http or https URL/,
          /sources\.open\.headers\.authorization must be a header, and none of authorization/,
          /sources\.risky\.tools\.read must be traits of a tool \(Expected one of read_only/,
          /sources\.risky\.tools\.write must be traits of a tool \(there is no "timeout"; there are risk/,
          /sources\.none must be/,
        ];
        for (const fault of said) assert.match(error.message, fault);
        return true;
      },
    );
  });

  it('never quote a key, wherever somebody put it', () => {
    const attempts: [unknown, Record<string, string>?][] = [
      [{ crm: { url: 'https://a.example', key: SECRET } }],
      [{ crm: { url: 'https://a.example', key: 'env:CRM_KEY' } }, { CRM_KEY: `${SECRET}\nsecond line` }],
      [{ crm: { url: `https://user:${SECRET}@a.example` } }],
      [{ crm: { command: 'a', env: { TOKEN: [SECRET] } } }],
      [{ crm: { command: 'a', args: SECRET } }],
    ];

    for (const [sources, variables] of attempts) {
      assert.throws(
        () => read(sources, variables),
        (error: Error) => !`${error.message} ${error.stack}`.includes(SECRET),
      );
    }
  });
});
