import assert from 'node:assert/strict';
import { parseScript } from '../../providers/scripted/script.ts';
import { closeScripted, scripted } from './scripted-models.ts';

const ask = (baseUrl: string, content: string) =>
  fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }),
  });

describe('the scripted provider', () => {
  afterEach(closeScripted);

  it('names every turn that was used less often than it says', async () => {
    const provider = await scripted(
      { answer: { text: 'one' } },
      { answer: { text: 'two' }, repeat: 3 },
      { answer: { text: 'three' }, repeat: true },
    );
    await (await ask(provider.baseUrl, 'Hello')).text();

    assert.deepEqual(await provider.close(), ['Turn 2 of the script was used 0 times, not 3.']);
  });

  it('refuses a request that no turn fits, at once and when it is closed', async () => {
    const provider = await scripted({ expect: { contains: ['order', 'late'] }, answer: { text: 'sorry' } });

    const refused = await ask(provider.baseUrl, 'Hello');
    await (await ask(provider.baseUrl, 'My order is late')).text();
    const surplus = await ask(provider.baseUrl, 'My order is late');

    assert.equal(refused.status, 409);
    assert.match(await refused.text(), /request 1 \(turn 1: it expects a message with \\"order\\"\)/);
    assert.match(await surplus.text(), /every turn was used/);
    assert.equal((await provider.close()).length, 2);
  });

  it('names every fault of a script', () => {
    const script = { turns: [{ answer: { txt: 'x' } }, { answer: {}, repeat: 0 }] };

    assert.throws(() => parseScript(script), /turns\.0\.answer: .*txt.*turns\.1\.repeat/s);
  });
});
