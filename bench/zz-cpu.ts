import { openMuster } from '../test/support/muster.ts';
import { startPrivateStack } from '../test/support/stack.ts';
import { openBareTemporal } from './bare/peer.ts';
import { fiveQuickNodes, fiveSlowNodes } from './graphs.ts';
import { rateOf } from './measure.ts';
import { processorTimeMs } from './processor-time.ts';
const stack = await startPrivateStack();
const muster = await openMuster('bench', { stack });
await muster.work({ graphs: [fiveQuickNodes, fiveSlowNodes] });
const bare = await openBareTemporal(stack);
const c = (g: string) => ({ name: g, once: async () => (await muster.client.submit(g, {})).result() });
const list = [bare, c('five-slow-nodes'), c('five-quick-nodes')];
for (const x of list) await rateOf(x, { runs: 50, inFlight: 10 });
const cpu = () => ({ temporal: processorTimeMs(stack.temporal.pid ?? 0), pg: processorTimeMs(stack.postgres.pid ?? 0), redis: processorTimeMs(stack.redis.pid ?? 0), node: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000 });
const N = 100;
for (const x of list) { const a = cpu(); const r = await rateOf(x, { runs: N, inFlight: 50 }); const b = cpu(); console.log(x.name, r.toFixed(1), Object.entries(b).map(([k, v]) => `${k} ${((v - a[k as keyof typeof a]) / N).toFixed(1)} ms`).join(', ')); }
await bare.close(); await muster.close(); await stack.close(); process.exit(0);
