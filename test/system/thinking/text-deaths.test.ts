import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { parseScript } from '../../../providers/scripted/script.ts';
import { type ScriptedProvider, serveScript } from '../../../providers/scripted/server.ts';
import { modelsFile } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { WorkerProcess } from '../../support/worker-process.ts';
import { collect, heard, isText, slowly, turn } from './told.ts';

const MODULE = fileURLToPath(new URL('./speakers.ts', import.meta.url));

const TURNS = [
  turn('deaths', { chunks: slowly(5), stall: true }),
  turn('deaths', { chunks: ['It lives', { pauseMs: 200 }, ' again.'] }),
];

describe('what a model was saying when its worker was killed', function () {
  this.timeout(300_000);
  let muster: MusterUnderTest;
  let provider: ScriptedProvider;
  const workers: WorkerProcess[] = [];

  before(async () => {
    provider = await serveScript(parseScript({ turns: TURNS }));
    muster = await openMuster('text-deaths', { environment: { MUSTER_MODELS: await modelsFile(provider.baseUrl) } });
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await muster?.close();
    await provider?.close();
  });

  const spawn = async () => {
    const { environment, stack } = muster;
    const worker = await WorkerProcess.start({ environment, module: MODULE, folder: stack.folder });
    workers.push(worker);
    return worker;
  };

  it('K057: is told to be restarted, and what the next worker hears is told whole', async () => {
    const doomed = await spawn();
    const task = await muster.client.submit('speaking', { about: 'deaths' });

    const events = await collect(task.events({ text: true }), (event) => {
      if (event.type === 'text.added' && workers.length === 1) {
        doomed.signal('SIGKILL');
        void spawn();
      }
      return false;
    });

    assert.equal((await doomed.ended).signal, 'SIGKILL');
    const restarts = events.filter(isText).filter(({ type }) => type === 'text.restarted');
    assert.deepEqual(
      restarts.map(({ step, attempt }) => [step, attempt]),
      [[1, 101]],
    );
    assert.deepEqual(heard(events), ['It lives again.']);
    assert.equal(provider.requests.length, 2);
  });
});
