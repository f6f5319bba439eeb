import { AsyncLocalStorage } from 'node:async_hooks';
import type { Worker as Thread } from 'node:worker_threads';

/** Which call of `endThreadsOnFailure` a thread is started by: others may start threads at the same time. */
const calls = new AsyncLocalStorage<Thread[]>();

/**
 * Makes something that starts threads, and ends those threads when it fails. For makers that forget to: a thread that
 * was left behind keeps its process alive.
 */
export async function endThreadsOnFailure<Made>(make: () => Promise<Made>): Promise<Made> {
  const threads: Thread[] = [];
  const note = (thread: Thread) => {
    if (calls.getStore() === threads) threads.push(thread);
  };
  process.on('worker', note);
  try {
    return await calls.run(threads, make);
  } catch (error) {
    await Promise.all(threads.map((thread) => thread.terminate()));
    throw error;
  } finally {
    process.off('worker', note);
  }
}
