/** The faults of an edit itself, at most MAX_LISTED. */
import { MAX_LISTED, type Problem, type ProblemCode } from '../rules/finding.ts';

export class EditFaults {
  readonly problems: Problem[] = [];
  /** The codes and blocks of faults that are already reported. */
  private readonly told = new Set<string>();
  private readonly reported = new Set<string>();

  /** True when the list is full. Further faults need not be described. */
  get isFull(): boolean {
    return this.problems.length >= MAX_LISTED;
  }

  /** Adds a fault. An equal fault is added only once. */
  report(found: Problem): void {
    this.tell(found.code, found.block);
    const text = JSON.stringify(found);
    if (this.isFull || this.reported.has(text)) return;
    this.reported.add(text);
    this.problems.push(found);
  }

  /** Notes a code and a block, so that the same finding of the whole graph is not shown again. */
  tell(code: ProblemCode, block: string | null): void {
    this.told.add(`${code} ${block}`);
  }

  isTold(code: ProblemCode, block: string | null): boolean {
    return this.told.has(`${code} ${block}`);
  }
}
