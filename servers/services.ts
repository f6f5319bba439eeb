import type { ClientConnectConfig } from '@temporalio/envconfig';

/** The three servers that Muster stands on, in the order in which reports name them. */
export const SERVICE_NAMES = ['postgresql', 'redis', 'temporal'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/**
 * How a service was come by. `environment`: its URL is configured. `muster`: Muster had started it before. `none`: it
 * is neither configured nor started. The others say where the program came from that Muster has just started.
 */
export type ServiceSource = 'environment' | 'muster' | 'installed' | 'package manager' | 'download' | 'build' | 'none';

/** Where the program of a service that Muster starts came from. */
export type ProgramSource = Exclude<ServiceSource, 'environment' | 'muster' | 'none'>;

/** One service as `muster status` shows it. `address` carries no password. */
export interface ServiceStatus {
  name: ServiceName;
  address: string | null;
  source: ServiceSource;
  /** True only after the service has done real work for the probe. */
  healthy: boolean;
  /** Version and origin where healthy; what is wrong and what to do where not. */
  detail: string;
}

/** The addresses that a client or a worker connects to. */
export interface Connections {
  /** The role `muster`: neither owner nor superuser, so that row-level security binds it. */
  databaseUrl: string;
  /** The role that owns the database; migrations run as it. */
  ownerUrl: string;
  redisUrl: string;
  /** `host:port` of the gRPC front end. */
  temporalAddress: string;
  /** TLS, API key and the like of a configured Temporal; none for one that Muster started. */
  temporalConnectionOptions: ClientConnectConfig['connectionOptions'];
  temporalUiUrl: string | null;
}

/** What the services need to know of the configuration. `null` means: not configured, Muster sees to it. */
export interface ServicesConfig {
  /** Folder of everything that Muster's own services keep; `null` takes the platform's state folder of the user. */
  readonly stateDir: string | null;
  readonly databaseUrl: string | null;
  /** `null` with a `databaseUrl` means that the same role also owns the database. */
  readonly ownerUrl: string | null;
  readonly redisUrl: string | null;
  readonly temporalAddress: string | null;
  readonly temporalNamespace: string;
  /** TLS, API key and the like for a configured `temporalAddress`. */
  readonly temporalConnectionOptions?: ClientConnectConfig['connectionOptions'];
  readonly temporalUiUrl: string | null;
  /** Whether the addresses are those of the containers of `compose.yaml`, which nobody configured. */
  readonly compose?: boolean;
  /** Forbids system packages to be installed. Building or downloading into the user's own cache stays allowed. */
  readonly noInstall: boolean;
  /** Lets the installation of a system package upgrade a server that is in use. */
  readonly allowUpgrade: boolean;
}

/** The steps of bringing up one service, in order. A step that fails leaves the service not ready. */
export const SET_UP_STEPS = ['find', 'install', 'initialize', 'launch', 'answer', 'prepare'] as const;
export type SetUpStep = (typeof SET_UP_STEPS)[number];

/** One line of progress. */
export interface ProgressEvent {
  /** `null` where it concerns them all. */
  service: ServiceName | null;
  text: string;
}

/** Tells a person what is being done. It must not throw. */
export type Report = (event: ProgressEvent) => void;

/** Called before each step of each service; a rejection makes that step fail. Tests inject faults with it. */
export type BeforeStep = (service: ServiceName, step: SetUpStep) => Promise<void> | void;

/** How people write a service's name. */
export const SERVICE_TITLES: Readonly<Record<ServiceName, string>> = {
  postgresql: 'PostgreSQL',
  redis: 'Redis',
  temporal: 'Temporal',
};

/** The variable that points Muster at a server of the user's own. */
export const SERVICE_VARIABLES: Readonly<Record<ServiceName, string>> = {
  postgresql: 'MUSTER_DATABASE_URL',
  redis: 'MUSTER_REDIS_URL',
  temporal: 'TEMPORAL_ADDRESS',
};
