import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the sink has counted so far. */
export interface SinkRecord {
  /** Calls under an idempotency key, repetitions included. */
  calls(key: string): number;
  /** How often what the key stands for was really done. */
  effects(key: string): number;
  /** How often anything was done to a subject, under whatever keys. */
  effectsOn(subject: string): number;
  readonly subjects: ReadonlyMap<string, number>;
  readonly totalCalls: number;
  readonly totalEffects: number;
  /** Keys that were called more than once: what shows that a repetition really took place. */
  readonly repeatedKeys: readonly string[];
  /** Gates at which somebody waits. */
  readonly waiting: readonly string[];
}

/** A recorder of effects in another process, which no fault of a test reaches. */
export interface Sink {
  /** For `MUSTER_FAULT_SINK`, from which the handlers of a worker process know it. */
  readonly url: string;
  record(): Promise<SinkRecord>;
  /** Lets callers at the gate pass. Opening it before anybody came holds nobody. */
  open(gate: string): Promise<void>;
  /** Delays every effect from now on. */
  setSlow(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a sink. It ends with `close`, and by itself when this process is gone. */
export async function startSink(): Promise<Sink> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-sink-'));
  const path = fileURLToPath(new URL('./sink-process.ts', import.meta.url));
  const child = fork(path, [join(folder, 'calls.ndjson')], { execArgv: [] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    record: async () => readRecord(await (await fetch(`${url}/record`)).json()),
    open: (gate) => send(url, `gates/${encodeURIComponent(gate)}`, { method: 'PUT' }),
    setSlow: (ms) => send(url, `slow/${ms}`, { method: 'PUT' }),
    close: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What handlers ask of the sink whose address the test put into their worker's environment. */
export const sinkCalls = {
  /** Does an effect under a key. */
  post: (call: { key: string; subject: string; blind?: boolean }) =>
    send(sinkUrl(), 'effects', { method: 'POST', body: JSON.stringify(call) }),
  /** Waits at a gate, which holds its first caller only. */
  wait: (gate: string, signal?: AbortSignal) =>
    send(sinkUrl(), `gates/${encodeURIComponent(gate)}`, {
      method: 'POST',
      ...(signal === undefined ? {} : { signal }),
    }),
};

function sinkUrl(): string {
  return process.env.MUSTER_FAULT_SINK ?? '';
}

async function send(url: string, path: string, request: RequestInit): Promise<void> {
  const response = await fetch(`${url}/${path}`, request);
  if (!response.ok) throw new Error(`The sink answered ${response.status} to ${request.method} ${path}.`);
  await response.arrayBuffer();
}

type Counts = Readonly<Record<string, number>>;

function readRecord(body: unknown): SinkRecord {
  const { calls, effects, subjects, waiting } = body as {
    calls: Counts;
    effects: Counts;
    subjects: Counts;
    waiting: string[];
  };
  return {
    calls: (key) => calls[key] ?? 0,
    effects: (key) => effects[key] ?? 0,
    effectsOn: (subject) => subjects[subject] ?? 0,
    subjects: new Map(Object.entries(subjects)),
    totalCalls: sum(calls),
    totalEffects: sum(effects),
    repeatedKeys: Object.keys(calls).filter((key) => (calls[key] ?? 0) > 1),
    waiting,
  };
}

function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
