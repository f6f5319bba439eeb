/** One measured figure, with the goal that it is held against, if there is one. */
export interface Finding {
  readonly name: string;
  readonly value: number;
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
}

export function isReached({ value, goal }: Finding): boolean | null {
  if (goal === undefined) return null;
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

/** The figures as a table for people. */
export function findingsTable(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const line = (finding: Finding): string => {
    return `${finding.name.padEnd(width)} ${shown(finding.value).padStart(9)}  ${verdict(finding)}`.trimEnd();
  };
  return findings.map(line).join('\n');
}

function shown(value: number): string {
  if (value > 0 && value < 0.1) return value.toPrecision(2);
  return value.toFixed(value < 10 ? 2 : 1);
}

function verdict(finding: Finding): string {
  const reached = isReached(finding);
  if (finding.goal === undefined || reached === null) return '';
  const goal = 'atLeast' in finding.goal ? `at least ${finding.goal.atLeast}` : `at most ${finding.goal.atMost}`;
  return `${reached ? 'reached' : 'MISSED '} (goal: ${goal})`;
}
