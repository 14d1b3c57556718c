/** The faults of an edit itself, as many as are told. */
import { MAX_LISTED, type Problem, type ProblemCode } from '../rules/finding.ts';

export class EditFaults {
  readonly problems: Problem[] = [];
  /** Codes and blocks that are told of already. */
  private readonly told = new Set<string>();
  private readonly reported = new Set<string>();

  /** True when as many faults are known as are told: further ones need not be described. */
  get isFull(): boolean {
    return this.problems.length >= MAX_LISTED;
  }

  /** Adds a fault; the same fault twice is one. */
  report(found: Problem): void {
    this.tell(found.code, found.block);
    const text = JSON.stringify(found);
    if (this.isFull || this.reported.has(text)) return;
    this.reported.add(text);
    this.problems.push(found);
  }

  /** Notes a code and block that the check of the whole graph would name again. */
  tell(code: ProblemCode, block: string | null): void {
    this.told.add(`${code} ${block}`);
  }

  isTold(code: ProblemCode, block: string | null): boolean {
    return this.told.has(`${code} ${block}`);
  }
}
