import { openMuster } from '../test/support/muster.ts';
import { startPrivateStack } from '../test/support/stack.ts';
import { fiveQuickNodes, fiveSlowNodes } from './graphs.ts';
import { rateOf } from './measure.ts';
import pg from 'pg';
import { execSync } from 'node:child_process';
const stack = await startPrivateStack();
const muster = await openMuster('bench', { stack });
await muster.work({ graphs: [fiveQuickNodes, fiveSlowNodes] });
const c = (g: string) => ({ name: g, once: async () => (await muster.client.submit(g, {})).result() });
await rateOf(c('five-slow-nodes'), { runs: 60, inFlight: 10 });
await rateOf(c('five-quick-nodes'), { runs: 60, inFlight: 10 });
const su = new pg.Client(stack.superuserUrl); await su.connect();
for (const g of ['five-slow-nodes', 'five-quick-nodes']) {
await su.query('alter system set log_min_duration_statement = 0'); await su.query('select pg_reload_conf()');
await new Promise(r => setTimeout(r, 500));
execSync(`find ${stack.folder} -name 'postgresql*.log' -exec truncate -s 0 {} +`);
await rateOf(c(g), { runs: 20, inFlight: 2 });
await su.query('alter system reset log_min_duration_statement'); await su.query('select pg_reload_conf()');
await new Promise(r => setTimeout(r, 300));
execSync(`find ${stack.folder} -name 'postgresql*.log' -exec cp {} /tmp/pg-${g}.log \\;`);
}
await su.end(); await muster.close(); await stack.close(); process.exit(0);
