import type { MusterUnderTest } from '../../support/muster.ts';
import type { PrivateStack } from '../../support/stack.ts';
import { type ProxyMode, startProxy, type TcpProxy, through } from '../../support/tcp-proxy.ts';

/** The parties with connections that a fault can cut: the callers, and each worker's place. */
export type Party = 'callers' | `place ${number}`;
export type Service = 'postgresql' | 'redis' | 'temporal';

interface Link {
  readonly party: Party;
  readonly service: Service;
  readonly proxy: TcpProxy;
  /** Faults that are on, oldest first; the newest one decides. */
  readonly modes: ProxyMode[];
}

/** Every connection of an installation under test, each party's to each service through a proxy of its own. */
export class Links {
  readonly #links: readonly Link[];

  private constructor(links: readonly Link[]) {
    this.#links = links;
  }

  static async open(stack: PrivateStack, parties: readonly Party[]): Promise<Links> {
    const ports = { postgresql: stack.postgres.port, redis: stack.redis.port, temporal: stack.temporal.port };
    const wanted = parties.flatMap((party) =>
      (Object.keys(ports) as Service[]).map(async (service) => {
        return { party, service, proxy: await startProxy({ targetPort: ports[service] }), modes: [] };
      }),
    );
    return new Links(await Promise.all(wanted));
  }

  /** What the proxies of some parties have counted so far: how a fault shows that it took place. */
  traffic(service: Service, parties: readonly Party[]): { dropped: number; accepted: number } {
    const proxies = this.#links.filter((link) => link.service === service && parties.includes(link.party));
    return {
      dropped: proxies.reduce((sum, { proxy }) => sum + proxy.dropped, 0),
      accepted: proxies.reduce((sum, { proxy }) => sum + proxy.accepted, 0),
    };
  }

  /** How a party reaches the services: the variables that name other addresses than the servers' own. */
  environmentFor(
    party: Party,
    { databaseUrl, redisUrl }: Pick<MusterUnderTest, 'databaseUrl'> & { redisUrl: string },
  ): Record<string, string> {
    return {
      MUSTER_DATABASE_URL: through({ port: this.#portOf(party, 'postgresql') }, databaseUrl),
      MUSTER_REDIS_URL: through({ port: this.#portOf(party, 'redis') }, redisUrl),
      TEMPORAL_ADDRESS: `127.0.0.1:${this.#portOf(party, 'temporal')}`,
    };
  }

  /** Disturbs the connections of some parties to a service. Calling the answer ends this disturbance and no other. */
  disturb(service: Service, parties: readonly Party[], mode: ProxyMode): () => void {
    const disturbed = this.#links.filter((link) => link.service === service && parties.includes(link.party));
    for (const link of disturbed) {
      link.modes.push(mode);
      link.proxy.set(mode);
    }
    return () => {
      for (const link of disturbed) {
        link.modes.splice(link.modes.indexOf(mode), 1);
        link.proxy.set(link.modes.at(-1) ?? 'pass');
        // No network hands on what comes after bytes that it has lost, so these connections must not continue.
        if (mode === 'blackHole') link.proxy.closeAll();
      }
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map(({ proxy }) => proxy.close()));
  }

  #portOf(party: Party, service: Service): number {
    const link = this.#links.find((candidate) => candidate.party === party && candidate.service === service);
    if (link === undefined) throw new Error(`${party} has no connection to ${service}.`);
    return link.proxy.port;
  }
}
