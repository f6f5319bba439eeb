import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { COMPOSE_SERVERS } from '../../servers/find/compose-servers.ts';
import {
  DYNAMIC_CONFIG,
  GARBAGE_COLLECTION_PERCENT,
  SEARCH_ATTRIBUTE_SETTINGS,
  SQLITE_PRAGMAS,
} from '../../servers/start/temporal.ts';

const VARIABLES: Readonly<Record<string, string>> = {
  databaseUrl: 'MUSTER_DATABASE_URL',
  ownerUrl: 'MUSTER_DATABASE_OWNER_URL',
  redisUrl: 'MUSTER_REDIS_URL',
  temporalAddress: 'TEMPORAL_ADDRESS',
  temporalUiUrl: 'MUSTER_TEMPORAL_UI_URL',
};

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

  it('has the addresses and logins by which `npm start` finds it with nothing set', () => {
    for (const [name, value] of Object.entries(COMPOSE_SERVERS)) {
      const variable = VARIABLES[name] ?? name;
      assert.ok(text.includes(`#   ${variable}=${value}\n`), variable);
    }
    const owner = new URL(COMPOSE_SERVERS.ownerUrl);
    assert.match(text, new RegExp(`POSTGRES_USER: ${owner.username}\n *POSTGRES_PASSWORD: ${owner.password}\n`));
    const program = new URL(COMPOSE_SERVERS.databaseUrl);
    assert.match(text, new RegExp(`create role ${program.username} .* password '${program.password}'`));
    assert.match(text, new RegExp(`--requirepass, ${new URL(COMPOSE_SERVERS.redisUrl).password},`));
  });

  it('opens ports on loopback only', () => {
    const ports = text.match(/^ {4}ports: .*$/gm) ?? [];

    assert.equal(ports.length, 3);
    for (const line of ports) assert.match(line, /^ {4}ports: \[("127\.0\.0\.1:\d+:\d+"(, )?)+\]$/);
  });
});
