import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ModelSettingsInvalid } from '../../../domain/models/model-errors.ts';
import { parseModelSettings } from '../../../domain/models/model-settings.ts';

const route = { provider: 'main', id: 'm-1', contextTokens: 100, maxOutputTokens: 10, prices: { input: 2, output: 3 } };

describe('the settings of models', () => {
  it('have defaults: a stored key, no headers, cached input at the price of input, the usual form of a request', () => {
    const settings = parseModelSettings({
      providers: { main: { baseUrl: 'https://m.test/v1' } },
      models: { a: [route] },
    });

    assert.deepEqual(settings.providers.main, { baseUrl: 'https://m.test/v1', key: 'stored', headers: {} });
    assert.deepEqual(settings.models.a?.[0], {
      ...{ ...route, prices: { input: 2, cached: 2, output: 3 } },
      ...{ responseFormat: 'json_schema', maxTokensField: 'max_tokens' },
    });
  });

  it('name every fault at once', () => {
    const faults = (value: unknown) => {
      try {
        parseModelSettings(value);
      } catch (error) {
        if (error instanceof ModelSettingsInvalid) return error.faults;
      }
      return assert.fail('the settings were taken');
    };

    assert.deepEqual(
      faults({
        providers: { 'a b': { baseUrl: 'ftp://x', key: 'sk-123', retries: 2, headers: { Authorization: 'x' } } },
        models: {
          default: [{ ...route, maxOutputTokens: 101, prices: { input: -1 } }],
          odd: [{ ...route, provider: 'a b', temperature: 2.1, responseFormat: 'xml', maxTokensField: 'tokens' }],
          none: [],
        },
        model: {},
      }).map((fault) => fault.split(' ').slice(0, 5).join(' ')),
      [
        'the file has the unknown',
        'providers has the name "a',
        'providers.a b has the unknown',
        'providers.a b.baseUrl must be an',
        'providers.a b.key must be "stored",',
        'providers.a b.headers must be plain',
        'models.default[0].maxOutputTokens must be a whole',
        'models.default[0].prices has no "output"',
        'models.default[0].prices.input must be a whole',
        'models.odd[0].temperature must be a number',
        'models.odd[0].responseFormat must be one of',
        'models.odd[0].maxTokensField must be one of',
        'models.none must be a list',
        'models.default names the provider "main",',
      ],
    );
  });

  it('are taken, or refused with sentences, whatever the file holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.record({ providers: fc.jsonValue(), models: fc.jsonValue() })),
        (value) => {
          try {
            parseModelSettings(value);
          } catch (error) {
            assert.ok(error instanceof ModelSettingsInvalid);
          }
        },
      ),
    );
  });
});
