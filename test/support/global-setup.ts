import { type PrivateStack, shareStack, startPrivateStack } from './stack.ts';

let stack: PrivateStack | null = null;

/** Mocha calls this once before all tests: it starts the run's servers, which every test file then finds. */
export async function mochaGlobalSetup(): Promise<void> {
  const announce = (text: string) => void process.stderr.write(`  set-up: ${text}\n`);
  stack = await startPrivateStack({ announce });
  shareStack(stack);
}

/** Mocha calls this once after all tests, also after failed ones. After a crash the stack's keeper ends the servers. */
export async function mochaGlobalTeardown(): Promise<void> {
  await stack?.close();
}
