import assert from 'node:assert/strict';
import { OPERATIONS } from '../../../operations/register.ts';
import { jsonLines, runCli } from '../run-cli.ts';

interface Listed {
  readonly name: string;
  readonly effect: string;
  readonly risk: string;
  readonly permission: string;
  readonly summary: string;
}

describe('the command line, asked what can be called', () => {
  it('lists every operation without any service, with what it does and the permission that it needs', async () => {
    const { exitCode, stdout } = await runCli(['operations', '--json']);
    const text = await runCli(['operations']);

    const listed = jsonLines(stdout)[0] as Listed[];
    assert.equal(exitCode, 0);
    assert.deepEqual(
      listed.map(({ name, effect, risk, permission, summary }) => [name, effect, risk, permission, summary]),
      OPERATIONS.map(({ name, effect, risk, permission, summary }) => [name, effect, risk, permission, summary]),
    );
    assert.match(text.stdout, /^tasks\.cancel +write +external_write +tasks:write +Asks a task to end/m);
  });

  it('shows what one of them takes, as a JSON Schema', async () => {
    const { stdout } = await runCli(['operations', 'queue.pause', '--json']);
    const text = await runCli(['operations', 'queue.pause']);

    const { name, input } = jsonLines(stdout)[0] as { name: string; input: Record<string, unknown> };
    assert.deepEqual(
      [name, input.type, input.required, input.additionalProperties],
      ['queue.pause', 'object', ['target'], false],
    );
    assert.match(text.stdout, /^queue\.pause {2}.*\neffect write, risk high_risk, permission queue:admin\n\{\n/);
  });
});
