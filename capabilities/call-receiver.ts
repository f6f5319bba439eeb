import type { HandlerLog } from '../domain/agents/handler-log.ts';
import type { Json } from '../domain/json.ts';
import type { SignedEnvelope } from '../domain/messaging/envelope.ts';
import type { ReceivedMessage, ReceivingAgent } from '../domain/messaging/received-message.ts';
import type { Sender } from '../messaging/sender.ts';
import type { InvocationWatch } from './invocation.ts';
import { handlerLog } from './log.ts';
import { handlerMessages } from './messages.ts';

/** The delivery of one message to an agent of this process. */
export interface DeliveryScope {
  readonly agent: ReceivingAgent;
  readonly envelope: SignedEnvelope;
  /** The same message as the agent sees it. */
  readonly message: ReceivedMessage;
  readonly signal: AbortSignal;
  readonly sender: Sender;
  readonly watch: InvocationWatch;
  readonly log: HandlerLog;
}

/** Has the agent handle the message with its `ReceiveContext`. Throws what the agent throws. */
export async function callReceiver(scope: DeliveryScope): Promise<Json> {
  const { agent, envelope, message, signal, sender, watch, log } = scope;
  const { id, tenant } = envelope;
  const invocation = { of: 'message' as const, handler: agent.name, message };
  const messages = handlerMessages({
    sender,
    speaker: { tenant, from: { id: agent.id, name: agent.name }, causeId: id },
    work: [id, agent.id],
    signal,
    asked: (action) => watch.asked(invocation, action),
  });
  const lines = handlerLog(log, { agent: agent.name, messageId: id });
  const context = { agent: agent.name, tenant, signal, messages, log: lines };
  const answer = await watch.call(invocation, { received: message.payload }, () => agent.receive(message, context));
  return answer ?? null;
}
