import type { ClientConnectConfig } from '@temporalio/envconfig';

/** The three servers that Muster uses, in the order of reports. */
export const SERVICE_NAMES = ['postgresql', 'redis', 'temporal'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/**
 * The origin of a service. `environment`: its URL is configured. `muster`: Muster had started it before. `none`: it is
 * neither configured nor started. The others name the origin of the program that Muster has just started.
 */
export type ServiceSource = 'environment' | 'muster' | 'installed' | 'package manager' | 'download' | 'build' | 'none';

/** The origin of the program of a service that Muster starts. */
export type ProgramSource = Exclude<ServiceSource, 'environment' | 'muster' | 'none'>;

/** One service as `muster status` shows it. `address` has no password. */
export interface ServiceStatus {
  name: ServiceName;
  address: string | null;
  source: ServiceSource;
  /** True only if the service has done real work for the probe. */
  healthy: boolean;
  /** Version and origin of a healthy service; otherwise the fault and what to do. */
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

/** The part of the configuration that concerns services. `null` means not configured: Muster provides it. */
export interface ServicesConfig {
  /** The folder for all files of Muster's own services; `null` for the user's state folder of the platform. */
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

/** The steps of starting one service, in order. A step that fails leaves the service not ready. */
export const SET_UP_STEPS = ['find', 'install', 'initialize', 'launch', 'answer', 'prepare'] as const;
export type SetUpStep = (typeof SET_UP_STEPS)[number];

/** One line of progress. */
export interface ProgressEvent {
  /** `null` if it concerns all of them. */
  service: ServiceName | null;
  text: string;
}

/** Reports progress to a person. It must not throw. */
export type Report = (event: ProgressEvent) => void;

/** Called before each step of each service; a rejection makes that step fail. Tests inject faults with it. */
export type BeforeStep = (service: ServiceName, step: SetUpStep) => Promise<void> | void;

export const SERVICE_TITLES: Readonly<Record<ServiceName, string>> = {
  postgresql: 'PostgreSQL',
  redis: 'Redis',
  temporal: 'Temporal',
};

/** The variable that points Muster to the user's own server. */
export const SERVICE_VARIABLES: Readonly<Record<ServiceName, string>> = {
  postgresql: 'MUSTER_DATABASE_URL',
  redis: 'MUSTER_REDIS_URL',
  temporal: 'TEMPORAL_ADDRESS',
};
