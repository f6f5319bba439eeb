import { answering } from '../system/thinking/agents.ts';

export const graphs = [answering];
