import { proxyActivities } from '@temporalio/workflow';

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '30s' });

/** The peer: five activities that do nothing, one after the other, and nothing else. */
export async function fiveActivities(): Promise<void> {
  for (let step = 0; step < 5; step += 1) await nothing();
}

/** One activity, eight side by side, and one more. */
export async function fanOut(): Promise<void> {
  await nothing();
  await Promise.all(Array.from({ length: 8 }, () => nothing()));
  await nothing();
}
