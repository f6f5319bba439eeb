import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineTool, HandlerDefinitionInvalid } from '../../../domain/agents/define-handler.ts';
import { governedTool } from '../../../domain/tools/governed-tool.ts';
import { operation } from '../../../operations/as-tool.ts';
import { OPERATIONS } from '../../../operations/register.ts';

const text = z.object({ text: z.string() });
const base = { name: 'refund', input: text, output: text, handle: (input: { text: string }) => input };

describe('the traits of a tool', () => {
  it('are those of high risk where its author did not classify it', () => {
    const { risk, effect, timeoutMs } = defineTool(base);

    assert.deepEqual({ risk, effect, timeoutMs }, { risk: 'high_risk', effect: 'unsafe', timeoutMs: 45_000 });
    assert.deepEqual(governedTool({ name: 'unknown' }), { name: 'unknown', digest: null, risk, effect, timeoutMs });
  });

  it('follow from the class, and are kept where they are given', () => {
    assert.equal(defineTool({ ...base, risk: 'network_read' }).effect, 'none');
    assert.equal(defineTool({ ...base, risk: 'external_write' }).effect, 'unsafe');
    const keyed = defineTool({ ...base, risk: 'external_write', effect: 'keyed', timeoutMs: 10_000 });
    assert.deepEqual([keyed.effect, keyed.timeoutMs, Object.isFrozen(keyed)], ['keyed', 10_000, true]);
  });

  it('are refused together with every other fault of the definition', () => {
    const wrong = { ...base, name: 'Refund', risk: 'harmless', effect: 'toString', timeoutMs: 0.5 };

    assert.throws(
      () => defineTool(wrong as never),
      (error) => {
        assert.ok(error instanceof HandlerDefinitionInvalid);
        assert.equal(error.facts.faults, 4);
        assert.match(error.message, /Expected one of read_only, .*, high_risk as risk, found "harmless"\./);
        assert.match(error.message, /Expected one of none, keyed, natural, unsafe as effect, found "toString"\./);
        assert.match(error.message, /from 1 to 300000 as timeoutMs, found the number 0\.5\./);
        return true;
      },
    );
  });

  it('of an operation are its own: its risk, and how it takes a repetition', () => {
    const traitsOf = (name: Parameters<typeof operation>[0]) => {
      const { risk, effect } = governedTool(operation(name));
      return [risk, effect];
    };

    assert.deepEqual(traitsOf('tasks.list'), ['data_exfiltration_risk', 'none']);
    assert.deepEqual(traitsOf('tasks.submit'), ['external_write', 'keyed']);
    assert.deepEqual(traitsOf('queue.pause'), ['high_risk', 'keyed']);
    assert.deepEqual(traitsOf('tasks.cancel'), ['external_write', 'natural']);
    for (const { name } of OPERATIONS) assert.notEqual(traitsOf(name)[1], 'unsafe', name);
  });
});
