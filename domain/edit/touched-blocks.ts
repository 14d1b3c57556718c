/** The blocks that an edit updates or whose references it rewrites, followed through changes of their ids. */
import type { Block } from '../graph/graph.ts';

/** A block that an edit updated, as the edit left it. */
export interface UpdatedBlock {
  id: string;
  name: string;
  /** The name and the id before the edit, when they differ. */
  formerName?: string;
  formerId?: string;
}

type Find = (id: string) => Block | undefined;

export class TouchedBlocks {
  /** The updated blocks by id, with id and name before the edit. */
  private readonly updated = new Map<string, { id: string; name: string }>();
  private readonly rewritten = new Set<string>();

  noteUpdate(from: Block, to: Block): void {
    const { id, name } = this.updated.get(from.id) ?? from;
    this.updated.delete(from.id);
    this.updated.set(to.id, { id, name });
    if (this.rewritten.delete(from.id)) this.rewritten.add(to.id);
  }

  noteRewritten({ id }: Block): void {
    this.rewritten.add(id);
  }

  /** The updated blocks that are still there, without those that the edit added. */
  listUpdated(find: Find, added: ReadonlySet<string>): UpdatedBlock[] {
    return [...this.updated].flatMap(([id, was]) => {
      const block = added.has(id) ? undefined : find(id);
      if (!block) return [];
      const { name } = block;
      return [
        {
          id,
          name,
          ...(was.name === name ? {} : { formerName: was.name }),
          ...(was.id === id ? {} : { formerId: was.id }),
        },
      ];
    });
  }

  /** The names of the blocks with rewritten references that are still there. */
  listRewritten(find: Find): string[] {
    return [...this.rewritten].flatMap((id) => find(id)?.name ?? []);
  }
}
