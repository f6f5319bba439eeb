import { MusterError } from '../errors.ts';

/** The oldest Node that has everything that Muster calls, as `engines` in package.json says. */
export const OLDEST_NODE = [22, 18] as const;

/** This program runs on a Node that lacks what Muster calls. Nothing was opened. */
export class NodeTooOld extends MusterError {
  readonly code = 'node_too_old';
  constructor(version: string) {
    super(`Muster needs Node ${OLDEST_NODE.join('.')} or newer, and this program runs on Node ${version}.`, {
      version,
    });
  }
}

/** Whether a version of Node, such as `20.20.2`, is older than {@link OLDEST_NODE}. */
export function isNodeTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
}

/** @throws NodeTooOld */
export function requireNode(version: string): void {
  if (isNodeTooOld(version)) throw new NodeTooOld(version);
}
