/** Checks on the workflow at the end of a case. */
import type { Block, Graph, JsonObject } from '../../client/src/index.ts';
import type { Check } from '../case.ts';
import {
  below,
  edgeInWords,
  handlesOf,
  inWords,
  named,
  select,
  type Select,
  TRIGGERS,
} from './graph-facts.ts';
import { faultsOf } from './sound-graph.ts';

const listed = (graph: Graph): string => graph.blocks.map(({ name, type }) => `${name} (${type})`).join(', ');

/** At least one block fits. */
export function has(wanted: Select): Check {
  return {
    says: `there is a ${inWords(wanted)}`,
    fault: ({ after }) => (select(after, wanted).length > 0 ? null : `the blocks are: ${listed(after)}`),
  };
}

/** So many blocks fit. */
export function count(wanted: Select, expected: number): Check {
  return {
    says: `there are ${expected} times a ${inWords(wanted)}`,
    fault({ after }) {
      const found = select(after, wanted).length;
      return found === expected ? null : `there are ${found}: ${listed(after)}`;
    },
  };
}

/** No block fits. */
export const hasNo = (unwanted: Select): Check => count(unwanted, 0);

/** The workflow has a block of that type as its trigger. */
export function trigger(type?: string): Check {
  return {
    says: `the workflow has one trigger${type === undefined ? '' : `, a ${type}`}`,
    fault({ after }) {
      const found = after.blocks.filter((block) => TRIGGERS.includes(block.type));
      if (found.length !== 1) return `it has ${found.length}`;
      return type === undefined || found[0]!.type === type ? null : `it has a ${found[0]!.type}`;
    },
  };
}

/** A way leads from one block to another; with `via`, one that leaves the first block by that handle. */
export function leads(from: Select, to: Select, via?: string): Check {
  return {
    says: `a way leads from a ${inWords(from)}${via === undefined ? '' : `, by its handle ${via},`} to a ${inWords(to)}`,
    fault: ({ after }) =>
      isLed(after, from, to, via)
        ? null
        : `the edges are: ${after.edges.map((edge) => edgeInWords(after, edge)).join('; ') || 'none'}`,
  };
}

function isLed(graph: Graph, from: Select, to: Select, via: string | undefined): boolean {
  const targets = new Set(select(graph, to).map(({ id }) => id));
  const starts = new Set(select(graph, from).map(({ id }) => id));
  const first = graph.edges
    .filter(({ source, sourceHandle }) => starts.has(source) && (via === undefined || sourceHandle === via))
    .map(({ target }) => target);
  return [...first, ...below(graph, first)].some((id) => targets.has(id));
}

/** Every way from one block to another leads through a third. */
export function between(from: Select, middle: Select, to: Select): Check {
  return {
    says: `a ${inWords(middle)} stands between a ${inWords(from)} and a ${inWords(to)}`,
    fault({ after }) {
      if (!isLed(after, from, middle, undefined) || !isLed(after, middle, to, undefined))
        return `no way leads through it: ${after.edges.map((edge) => edgeInWords(after, edge)).join('; ')}`;
      const gone = new Set(select(after, middle).map(({ id }) => id));
      const without = {
        blocks: after.blocks,
        edges: after.edges.filter(({ source, target }) => !gone.has(source) && !gone.has(target)),
      };
      return isLed(without, from, to, undefined) ? 'another way leads past it' : null;
    },
  };
}

/** Every handle of these blocks has an edge. */
export function wired(which: Select): Check {
  return {
    says: `every branch of the ${inWords(which)} leads somewhere`,
    fault({ after }) {
      for (const block of select(after, which)) {
        const used = after.edges.filter(({ source }) => source === block.id).map((edge) => edge.sourceHandle);
        const open = (handlesOf(block) ?? []).filter((handle) => !used.includes(handle));
        if (open.length > 0) return `${block.name} has no edge for ${open.join(', ')}`;
      }
      return null;
    },
  };
}

/** A config fits, for at least one of the blocks. */
export function config(
  which: Select,
  says: string,
  fits: (config: JsonObject, block: Block) => boolean,
): Check {
  return {
    says: `a ${inWords(which)} ${says}`,
    fault({ after }) {
      const found = select(after, which);
      if (found.some((block) => fits(block.config, block))) return null;
      return found.length === 0
        ? `there is none: ${listed(after)}`
        : found.map(({ name, config: has }) => `${name}: ${JSON.stringify(has).slice(0, 300)}`).join('; ');
    },
  };
}

/** These blocks, by name, are byte for byte as they were. */
export function untouched(...names: string[]): Check {
  return {
    says: `untouched: ${names.join(', ')}`,
    fault: ({ before, after }) => firstChanged(before, after, names),
  };
}

/** All blocks but these, by their name at the start, are byte for byte as they were. */
export function othersUntouched(...changed: string[]): Check {
  return {
    says: `untouched: all blocks but ${changed.join(', ') || 'new ones'}`,
    fault: ({ before, after }) =>
      firstChanged(
        before,
        after,
        before.blocks.map(({ name }) => name).filter((name) => !changed.includes(name)),
      ),
  };
}

function firstChanged(before: Graph, after: Graph, names: readonly string[]): string | null {
  for (const name of names) {
    const old = named(before, name);
    if (!old) return `${name} is no block of the start`;
    const now = after.blocks.find(({ id }) => id === old.id);
    if (!now) return `${name} is gone`;
    if (JSON.stringify(now) !== JSON.stringify(old))
      return `${name} is now ${JSON.stringify(now).slice(0, 300)}`;
  }
  return null;
}

/** No turn proposes a change, and the workflow is as it was. */
export const NO_CHANGE: Check = {
  says: 'the workflow does not change',
  fault({ before, after, turns }) {
    const proposal = turns.find(({ diff }) => diff !== null);
    if (proposal) return `proposed: ${JSON.stringify(proposal.diff).slice(0, 300)}`;
    return JSON.stringify(before) === JSON.stringify(after) ? null : 'it changed without a proposal';
  },
};

/** The workflow at the end is the one at the start. */
export const AS_BEFORE: Check = {
  says: 'the workflow is again as it was',
  fault: ({ before, after }) =>
    JSON.stringify(sorted(before)) === JSON.stringify(sorted(after)) ? null : `it is now: ${listed(after)}`,
};

function sorted({ blocks, edges }: Graph): Graph {
  const text = (value: object): string => JSON.stringify(value);
  return {
    blocks: blocks.toSorted((a, b) => a.id.localeCompare(b.id)),
    edges: edges.toSorted((a, b) => text(a).localeCompare(text(b))),
  };
}

/** The workflow at the end has no fault at all, whatever it began with. */
export const FAULTLESS: Check = {
  says: 'the workflow has no fault, can run from its trigger, and every branch leads somewhere',
  fault(outcome) {
    const { after } = outcome;
    const [fault] = faultsOf(after);
    if (fault !== undefined) return fault;
    const starts = after.blocks.filter(({ type }) => TRIGGERS.includes(type)).map(({ id }) => id);
    const reached = below(after, starts);
    const lost = after.blocks.find(({ id }) => !starts.includes(id) && !reached.has(id));
    if (lost) return `nothing leads to ${lost.name}`;
    return wired({ type: ['condition', 'split'] }).fault(outcome);
  },
};
