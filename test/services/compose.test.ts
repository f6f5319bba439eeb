import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  DYNAMIC_CONFIG,
  GARBAGE_COLLECTION_PERCENT,
  SEARCH_ATTRIBUTE_SETTINGS,
  SQLITE_PRAGMAS,
} from '../../services/temporal.ts';

describe('compose.yaml', () => {
  const text = readFileSync(new URL('../../compose.yaml', import.meta.url), 'utf8');

  it('starts Temporal with the search attributes and settings of `muster up`', () => {
    assert.ok(SEARCH_ATTRIBUTE_SETTINGS.includes('MusterAgent=KeywordList'));
    for (const setting of SEARCH_ATTRIBUTE_SETTINGS) {
      assert.ok(text.includes(`--search-attribute=${setting}\n`), setting);
    }
    for (const [name, value] of Object.entries(DYNAMIC_CONFIG)) {
      assert.ok(text.includes(`--dynamic-config-value=${name}=${value}\n`), name);
    }
    for (const [name, value] of Object.entries(SQLITE_PRAGMAS)) {
      assert.ok(text.includes(`--sqlite-pragma=${name}=${value}\n`), name);
    }
    assert.ok(text.includes(`GOGC: "${GARBAGE_COLLECTION_PERCENT}"`));
  });

  it('opens ports on loopback only', () => {
    const ports = text.match(/^ {4}ports: .*$/gm) ?? [];

    assert.equal(ports.length, 3);
    for (const line of ports) assert.match(line, /^ {4}ports: \[("127\.0\.0\.1:\d+:\d+"(, )?)+\]$/);
  });
});
