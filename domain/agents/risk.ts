/**
 * What it may lead to when an agent is granted something as a tool, each with what belongs there: the mildest first. A tool
 * without a class counts as `high_risk`.
 */
export const RISK_CLASSES = {
  read_only: 'Reads states, names and numbers.',
  network_read: 'Reads from outside the installation.',
  data_exfiltration_risk:
    'Reads what others wrote: inputs, outputs, titles, errors and messages, which could be carried elsewhere.',
  external_write: 'Changes something that others see, within the rights of a user.',
  high_risk: 'Changes the installation, runs failed work again, or ends and removes what nothing brings back.',
} as const;
export type RiskClass = keyof typeof RISK_CLASSES;
