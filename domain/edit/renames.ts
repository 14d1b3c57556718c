/** The renames of one edit in order. References follow them. */
import { nameKey } from '../graph/find-block.ts';
import type { JsonObject } from '../text/json-value.ts';
import type { PythonChecker } from '../rules/python.ts';
import { rewriteReferences } from '../rules/reference.ts';

export class Renames {
  /** `id` is the block's id after the rename. */
  readonly list: { id: string; from: string; to: string }[] = [];
  private readonly byName = new Map<string, number[]>();
  /** Configs rewritten by all renames so far. The graphs before and after the edit share them. */
  private rewritten = new Map<JsonObject, JsonObject>();
  private readonly python: PythonChecker | undefined;

  constructor(python: PythonChecker | undefined) {
    this.python = python;
  }

  get count(): number {
    return this.list.length;
  }

  add(rename: { id: string; from: string; to: string }): void {
    const name = nameKey(rename.from);
    const places = this.byName.get(name);
    if (places) places.push(this.list.length);
    else this.byName.set(name, [this.list.length]);
    this.list.push(rename);
    this.rewritten = new Map();
  }

  /**
   * Applies the renames from number `since` on to the references of a config. All are applied in one pass, because each
   * block of a large graph may refer to all others. Returns the same object when no rename changes it.
   */
  apply(config: JsonObject, since: number): JsonObject {
    if (since >= this.list.length) return config;
    const before = since === 0 ? this.rewritten.get(config) : undefined;
    if (before) return before;
    const result = rewriteReferences(config, (name) => this.follow(name, since), this.python);
    if (since === 0) this.rewritten.set(config, result);
    return result;
  }

  /** The name after the renames; null when no rename changes it. */
  private follow(name: string, since: number): string | null {
    let now: string | null = null;
    for (let from = since; ; ) {
      const at: number | undefined = this.byName.get(nameKey(now ?? name))?.find((place) => place >= from);
      if (at === undefined) return now;
      now = this.list[at]!.to;
      from = at + 1;
    }
  }
}
