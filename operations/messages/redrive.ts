import { isUuid, type MessageId } from '../../domain/ids.ts';
import { MessageRepository, type Redriven } from '../../entities/messaging/message-repository.ts';
import { text } from '../../options/fields.ts';
import { actorOf } from '../caller.ts';
import { defineOperation } from '../define.ts';
import { MessageUnknown } from '../operation-errors.ts';

/** The statement that redrives writes the audit row too. */
export const redriveMessage = defineOperation({
  name: 'messages.redrive',
  summary: 'Gives a dead message another five deliveries.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'messages:admin',
  unit: 'none',
  input: { id: text() },
  async handle({ caller, stores }, { id }: { readonly id: string }): Promise<Exclude<Redriven, 'unknown'>> {
    const { tenant } = caller;
    if (!isUuid(id)) throw new MessageUnknown(id, tenant);
    const { outcome, to } = await stores.database.single.inTenant(tenant, ({ em }) =>
      new MessageRepository(em).redrive(id as MessageId, actorOf(caller)),
    );
    if (outcome === 'unknown') throw new MessageUnknown(id, tenant);
    if (outcome === 'redriven' && to !== null) stores.voiceOf(tenant).wake([to]);
    return outcome;
  },
});
