import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../cli/run-cli.ts';
import { eventually } from '../../support/eventually.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { ended } from '../acceptance/views.ts';
import { answering } from './agents.ts';

const HOSTILE = '</style><script>alert(1)</script>';

describe('the page of a task that a model carried out', () => {
  let muster: MusterUnderTest;
  let models: ModelServer;

  before(async () => {
    models = await startModelServer(think);
    muster = await openMuster('show html', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work({ graphs: [answering] });
    await muster.client.operations.grants.allow({ agent: 'answerer', tool: 'publish', approval: true });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  /** Asks for a tool that a person has to approve, and says what comes from outside. */
  function think({ messages }: Asked): Reply {
    const isFirst = !messages.some(({ role }) => role === 'tool');
    const calls = ['look-up', 'publish'].map((tool) => ({ tool, arguments: { subject: HOSTILE } }));
    return isFirst ? { text: HOSTILE, calls } : { text: JSON.stringify({ answer: HOSTILE }) };
  }

  const show = async (id: string, file: string) =>
    runCli(['show', id, '--html', file], { environment: muster.environment });

  it('K021: holds the graph, the calls with what was asked and answered, what they cost and who decided', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'muster-page-')), 'task.html');
    const { approvals } = muster.client.operations;
    const task = await muster.client.submit('answering', { question: HOSTILE });
    await eventually(async () => (await task.read()).status === 'waiting_approval');
    const waiting = await show(task.id, file);
    const early = await readFile(file, 'utf8');
    const [approval] = await approvals.list({ task: task.id });
    await approvals.decide({ id: approval?.id ?? '', verdict: 'approve' });
    const view = await ended(task);

    const { exitCode, stdout } = await show(task.id, file);
    const page = await readFile(file, 'utf8');

    assert.deepEqual([waiting.exitCode, exitCode, stdout], [0, 0, `The page is ${file}\n`]);
    assert.match(early, /<g class="node waiting">/);
    assert.match(page, /<g class="node good">/);
    assert.equal(page.includes('<script'), false);
    assert.ok(page.includes('&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;'));
    assert.match(page, /publish <span class="badge good">done/);
    assert.match(page, /<span class="badge good">approved<\/span>/);
    assert.deepEqual([view.usage.inputTokens, view.usage.outputTokens], [200, 40]);
    assert.match(page, /<b>200 \+ 40<\/b>/);
    const [step] = view.traces[0]?.steps ?? [];
    assert.deepEqual([step?.answer, step?.finish], [HOSTILE, 'tool_calls']);
    assert.deepEqual(step?.tools[1]?.arguments, { subject: HOSTILE });
    assert.equal(step?.tools[1]?.approval?.state, 'approved');
    assert.equal(view.traces[0]?.runs[0]?.inputStart, JSON.stringify({ question: HOSTILE }));
  });

  it('K021: says in one sentence why a page could not be written, and changes nothing', async () => {
    const task = await muster.client.submit(
      'answering',
      { question: 'where to' },
      { startAt: new Date(Date.now() + 3_600_000) },
    );

    const { exitCode, stderr } = await show(task.id, join(tmpdir(), 'no', 'such', 'folder.html'));

    assert.equal(exitCode, 2);
    assert.match(
      stderr,
      /^muster: The page could not be written to .*folder\.html \(.*\)\. Name another file after --html\.\n$/,
    );
  });
});
