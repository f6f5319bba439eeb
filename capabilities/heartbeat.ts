import type { HandlerContext } from '../domain/agents/handler.ts';
import { answeringAtOnce } from '../domain/agents/thrown.ts';
import { type Json, notJson, toJson } from '../domain/json.ts';
import { HandlerCallInvalid } from './capability-errors.ts';
import type { NodeScope } from './scope.ts';

/** The longest JSON text of a heartbeat's details: each beat carries them to the server. */
const MAX_DETAILS_CHARACTERS = 65_536;

/** See {@link HandlerContext.heartbeat}. */
export function handlerHeartbeat({ nodeId, heartbeat }: NodeScope): HandlerContext['heartbeat'] {
  return (details) => answeringAtOnce(() => heartbeat(checkedDetails(nodeId, details)));
}

/** @throws HandlerCallInvalid */
function checkedDetails(nodeId: string, details: unknown): Json | undefined {
  if (details === undefined) return undefined;
  const json = toJson(details);
  if (!json.ok) throw new HandlerCallInvalid(nodeId, 'heartbeat', notJson(json));
  const { length } = JSON.stringify(json.value);
  if (length <= MAX_DETAILS_CHARACTERS) return json.value;
  const fault = `its details have ${length} characters and may have ${MAX_DETAILS_CHARACTERS}.`;
  throw new HandlerCallInvalid(nodeId, 'heartbeat', fault);
}
