import { MusterError } from '../domain/errors.ts';

/** The file that `MUSTER_TOOL_SOURCES` names cannot be used. Every fault is named; nothing was started. */
export class ToolSettingsInvalid extends MusterError {
  readonly code = 'tool_settings_invalid';
  constructor(source: string, faults: readonly string[]) {
    super(`${source} cannot be used: ${faults.join('; ')}. docs/tools.md shows a complete file.`, { source });
  }
}

/** A source of tools cannot be reached. The call was not made. */
export class ToolSourceUnavailable extends MusterError {
  readonly code = 'tool_source_unavailable';
  /** For operators only: it may quote the server. */
  readonly why: string;
  constructor(source: string, why: string) {
    super(`The tool source "${source}" is unavailable.`, { source });
    this.why = why;
  }
}

/** A call was sent, and no answer of use came back. */
export class ToolSourceLost extends MusterError {
  readonly code = 'tool_source_lost';
  constructor(source: string) {
    super(`The answer of the tool source "${source}" was lost: the call may or may not have been carried out.`, {
      source,
    });
  }
}
