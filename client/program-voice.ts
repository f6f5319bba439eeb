import type { HandlerLog } from '../domain/agents/handler-log.ts';
import type { AgentId, TenantId } from '../domain/ids.ts';
import type { Json } from '../domain/json.ts';
import type { RequestOptions, SendOptions, SentBroadcast, SentMessage } from '../domain/messaging/received-message.ts';
import { type Direction, direct } from '../messaging/director.ts';
import { AgentDirectory } from '../messaging/directory.ts';
import { MessageHints } from '../messaging/hints.ts';
import { LeaseLost } from '../messaging/messaging-errors.ts';
import type { Sender } from '../messaging/sender.ts';
import type { Said, Voice } from '../operations/messages/voice.ts';
import { ProgramPost, type ProgramPostOptions } from './program-post.ts';

const SILENT: HandlerLog = { info: () => undefined, warn: () => undefined };

type VoiceOptions = Omit<ProgramPostOptions, 'agents' | 'log'>;

/** The voices of a program, one for each tenant for which it speaks. */
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
 * Speaks for a program that is no agent: it takes a lease at its first message, renews it while it is open, and says
 * goodbye with `close`. A program that only reads takes none.
 */
class ProgramVoice implements Voice {
  readonly #options: VoiceOptions;
  #post: Promise<ProgramPost> | null = null;

  constructor(options: VoiceOptions) {
    this.#options = options;
  }

  send({ agent: to, ...said }: Said, options: SendOptions): Promise<SentMessage> {
    return this.#speak((sender, speaker) => sender.send(speaker, { to, ...said }, options));
  }

  request({ agent: to, ...said }: Said, options: RequestOptions): Promise<Json> {
    return this.#speak((sender, speaker) => sender.request(speaker, { to, ...said }, options));
  }

  broadcast(said: Omit<Said, 'agent'>, options: SendOptions): Promise<SentBroadcast> {
    return this.#speak((sender, speaker) => sender.broadcast(speaker, said, options));
  }

  direct(said: Parameters<Voice['direct']>[0]): Promise<Direction> {
    const directory = new AgentDirectory(this.#options.database);
    return this.#speak((sender, speaker) => direct({ sender, directory }, speaker, said));
  }

  wake(agents: readonly AgentId[]): void {
    new MessageHints(this.#options.redis).commands(agents);
  }

  async close(): Promise<void> {
    const post = await this.#post?.catch(() => null);
    await post?.close();
  }

  /** Who speaks for no agent has lost nothing with its lease: it takes another one and repeats itself. */
  async #speak<Result>(
    say: (sender: Sender, speaker: { tenant: TenantId; from: null }) => Promise<Result>,
  ): Promise<Result> {
    const { messenger } = await this.#open();
    const speaker = { tenant: this.#options.tenant, from: null };
    try {
      return await say(messenger.sender, speaker);
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      return say(messenger.sender, speaker);
    }
  }

  #open(): Promise<ProgramPost> {
    this.#post ??= openPost(this.#options);
    this.#post.catch(() => {
      this.#post = null;
    });
    return this.#post;
  }
}

async function openPost(options: VoiceOptions): Promise<ProgramPost> {
  const post = new ProgramPost({ ...options, agents: [], log: SILENT });
  await post.open();
  return post;
}
