/** The life of a message between agents. */
export const MESSAGE_STATUSES = ['pending', 'leased', 'processed', 'dead'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

export const MESSAGE_TYPES = ['command', 'query', 'response', 'event', 'heartbeat', 'error'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

/** 1 critical, 2 high, 3 normal, 4 low. */
export const MESSAGE_PRIORITY_RANGE = { min: 1, max: 4, default: 3 } as const;
