import type { HandlerLog } from '../domain/agents/handler-log.ts';
import type { AgentId, TenantId } from '../domain/ids.ts';
import { direct } from '../messaging/director.ts';
import { MessageHints } from '../messaging/hints.ts';
import { LeaseLost } from '../messaging/messaging-errors.ts';
import type { Messenger } from '../messaging/messenger.ts';
import type { Speaker } from '../messaging/sender.ts';
import type { Voice } from '../operations/messages/voice.ts';
import { ProgramMessaging, type ProgramMessagingOptions } from './program-messaging.ts';

/** How a process speaks in one name. */
export function voiceAs(messenger: Messenger, speaker: Speaker): Voice {
  const { sender, hints } = messenger;
  return {
    send: ({ agent: to, payload, id, ...options }) => sender.send(speaker, { to, payload, id }, options),
    request: ({ agent: to, payload, id, ...options }) => sender.request(speaker, { to, payload, id }, options),
    broadcast: ({ payload, id, ...options }) => sender.broadcast(speaker, { payload, id }, options),
    direct: (intent) => direct(messenger, speaker, intent),
    wake: (agents) => hints.commands(agents),
  };
}

export const SILENT: HandlerLog = { info: () => undefined, warn: () => undefined };

type VoiceOptions = Omit<ProgramMessagingOptions, 'agents' | 'log'>;

/** The voices of a program, one for each tenant on whose behalf it sends. */
export class ProgramVoices {
  readonly #options: Omit<VoiceOptions, 'tenant'>;
  readonly #voices = new Map<TenantId, ProgramVoice>();

  constructor(options: Omit<VoiceOptions, 'tenant'>) {
    this.#options = options;
  }

  of(tenant: TenantId): Voice {
    const known = this.#voices.get(tenant);
    if (known !== undefined) return known;
    const voice = new ProgramVoice({ ...this.#options, tenant });
    this.#voices.set(tenant, voice);
    return voice;
  }

  /** Says goodbye. Messages that were sent are delivered without this program. Repeatable. */
  async close(): Promise<void> {
    await Promise.all([...this.#voices.values()].map((voice) => voice.close()));
  }
}

/**
 * Sends for a program that is not an agent: it takes a lease with its first message, renews it while it is open, and
 * says goodbye with `close`. A program that only reads takes none.
 */
class ProgramVoice implements Voice {
  readonly send: Voice['send'] = (said) => this.#speak((voice) => voice.send(said));
  readonly request: Voice['request'] = (question) => this.#speak((voice) => voice.request(question));
  readonly broadcast: Voice['broadcast'] = (announcement) => this.#speak((voice) => voice.broadcast(announcement));
  readonly direct: Voice['direct'] = (intent) => this.#speak((voice) => voice.direct(intent));
  readonly #options: VoiceOptions;
  #messaging: Promise<ProgramMessaging> | null = null;

  constructor(options: VoiceOptions) {
    this.#options = options;
  }

  wake(agents: readonly AgentId[]): void {
    new MessageHints(this.#options.redis).commands(agents);
  }

  async close(): Promise<void> {
    const messaging = await this.#messaging?.catch(() => null);
    await messaging?.close();
  }

  /** A program that is not an agent loses nothing with its lease: it takes another one and sends again. */
  async #speak<Result>(say: (voice: Voice) => Promise<Result>): Promise<Result> {
    const { messenger } = await this.#open();
    const voice = voiceAs(messenger, { tenant: this.#options.tenant, from: null });
    try {
      return await say(voice);
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      return say(voice);
    }
  }

  #open(): Promise<ProgramMessaging> {
    this.#messaging ??= openMessaging(this.#options);
    this.#messaging.catch(() => {
      this.#messaging = null;
    });
    return this.#messaging;
  }
}

async function openMessaging(options: VoiceOptions): Promise<ProgramMessaging> {
  const messaging = new ProgramMessaging({ ...options, agents: [], log: SILENT });
  await messaging.open();
  return messaging;
}
