/** What a worker answers about its health; status 0 when it does not answer within two seconds. */
export interface Health {
  readonly status: number;
  readonly body: {
    readonly status?: string;
    readonly services?: Readonly<Record<string, { readonly ok: boolean; readonly reason: string | null }>>;
    readonly unhosted?: readonly string[];
    readonly stalls?: readonly { readonly kind: string; readonly detail: string }[];
  };
}

/** Asks a worker about its health. */
export async function askHealth(port: number, kind: 'live' | 'ready'): Promise<Health> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/health/${kind}`, { signal: AbortSignal.timeout(2_000) });
    return { status: answer.status, body: (await answer.json()) as Health['body'] };
  } catch {
    return { status: 0, body: {} };
  }
}

/** The figures of a worker by name, labels included. */
export async function readMetrics(port: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
