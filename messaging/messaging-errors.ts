import { MusterError } from '../domain/errors.ts';

/** No agent of this name can be sent messages. Nothing was written. */
export class AgentUnknown extends MusterError {
  readonly code = 'agent_unknown';
  constructor(agent: string, tenant: string) {
    super(
      `There is no agent "${agent}" that the tenant "${tenant}" may write to. Start the worker or the program that has ` +
        'it once, so that it is registered, or correct the name: `muster agents` lists them.',
      { agent, tenant },
    );
  }
}

/** A message is invalid. Nothing was written. */
export class MessageInvalid extends MusterError {
  readonly code = 'message_invalid';
  constructor(fault: string) {
    super(`The message cannot be sent: ${fault}`);
  }
}

/** The process may no longer send for its agents: it was silent for too long, or has said goodbye. */
export class LeaseLost extends MusterError {
  readonly code = 'lease_lost';
  override readonly retryable = true;
  constructor(process: string) {
    super(
      `The process ${process} may no longer send: its lease has ended. Nothing was sent. It takes a new lease by ` +
        'itself when it is alive; then send again.',
      { process },
    );
  }
}

/** The answer to a request did not come in time. The request has expired and will not be delivered. */
export class RequestTimedOut extends MusterError {
  readonly code = 'request_timed_out';
  override readonly retryable = true;
  constructor(facts: { agent: string; messageId: string; timeoutMs: number }) {
    super(
      `The agent "${facts.agent}" did not answer the request ${facts.messageId} within ${facts.timeoutMs} ms. Look ` +
        'with `muster agents` whether it is alive, or allow more time.',
      facts,
    );
  }
}

/** The agent that was asked could not handle the request. */
export class RequestFailed extends MusterError {
  readonly code = 'request_failed';
  constructor(facts: { agent: string; messageId: string; failure: string; reason: string }) {
    super(
      `The agent "${facts.agent}" could not answer the request ${facts.messageId} (${facts.failure}): ${facts.reason}`,
      facts,
    );
  }
}

/** A request would make agents wait for each other's answers forever. Nothing was written. */
export class AgentsWaitInCircle extends MusterError {
  readonly code = 'agents_wait_in_circle';
  constructor(circle: readonly string[]) {
    super(
      `The request would close a circle of agents that wait for each other: ${circle.join(' → ')}. Send a message ` +
        'without waiting for its answer, or put what both need into an agent of its own.',
      { circle: circle.join(' → ') },
    );
  }
}

/** A message would be too far behind the first of its chain. Nothing was written. */
export class MessageChainTooLong extends MusterError {
  readonly code = 'message_chain_too_long';
  constructor(messageId: string, maxHops: number) {
    super(
      `The message ${messageId} was not sent: each of the ${maxHops} messages before it was sent while another one was ` +
        'handled, as by agents that answer each other without an end. Let one of them stop, or raise ' +
        'MUSTER_MAX_MESSAGE_HOPS.',
      { messageId, maxHops },
    );
  }
}

/** An agent's handling of a message took too long. It is delivered again, unless it was the last time. */
export class ReceiveTimedOut extends MusterError {
  readonly code = 'handler_timed_out';
  override readonly retryable = true;
  constructor(agent: string, timeoutMs: number) {
    super(`The agent "${agent}" did not handle the message within ${timeoutMs} ms.`, { agent, timeoutMs });
  }
}

/** The answer of an agent cannot be sent. */
export class ReplyInvalid extends MusterError {
  readonly code = 'handler_output_invalid';
  constructor(agent: string, fault: string) {
    super(`The answer of the agent "${agent}" cannot be sent: ${fault}`, { agent });
  }
}
