/**
 * Runs a graph dry: which path it takes, what each block gets, what is skipped and why. Conditions are evaluated, references
 * filled. No agent, code, API or platform service is called; their outputs are given, or unknown.
 */
import { nameKey } from '../graph/find-block.ts';
import type { Block, Edge, Graph } from '../graph/graph.ts';
import { findBlockType, handlesOf } from '../rules/block-registry.ts';
import type { RulePorts } from '../rules/check-config.ts';
import { computeReachability, type Reachability } from '../rules/reachability.ts';
import { toJsonText } from '../text/json-text.ts';
import type { Json, JsonObject } from '../text/json-value.ts';
import { isDeeperThan } from '../text/json.ts';
import type { AssumptionId } from './assumptions.ts';
import { planOrder } from './order.ts';
import { readOutputs, type TryInput } from './try-input.ts';
import { Budget, follow, type Found, readPath, TooMuchWork, Unknown } from './value.ts';
import { NO_WORK, type Work, workOf } from './work.ts';

/** `may_run`: it runs on some values of what is unknown. */
export type Status = 'runs' | 'may_run' | 'skipped' | 'fails';

export interface Step extends Work {
  block: Block;
  status: Status;
  /** Why it is skipped, may run or fails. */
  why: string | null;
}

export interface DryRun {
  /** The steps in the order of the run, without blocks that the trigger does not reach. */
  steps: Step[];
  /** Blocks that are not tried, and why. */
  notTried: { block: string; why: string }[];
  assumptions: ReadonlySet<AssumptionId>;
  ignored: string[];
  /** Why the run could not be tried to its end; null when it could. */
  cut: string | null;
}

/** Characters that a dry run may read and make. It then takes well under a second. */
const MAX_WORK = 10_000_000;
const MAX_LEVELS = 64;

/** Runs a graph dry. Never throws, and never reads the clock, the network or chance. */
export function runGraph(
  graph: Graph,
  tried: TryInput,
  ports: RulePorts = {},
  aliases: ReadonlyMap<string, string> = new Map(),
): DryRun {
  const canned = readOutputs(tried.outputs ?? {}, graph.blocks, aliases);
  const reachability = computeReachability(graph);
  const { order, notTried } = planOrder(graph, reachability);
  const run = new Run(graph, reachability, { input: tried.input ?? null, canned: canned.byId, ports });
  let cut = order.length === 0 ? 'The workflow has no trigger yet, so nothing starts it.' : null;
  try {
    for (const block of order) run.visit(block);
  } catch (error: unknown) {
    if (!(error instanceof TooMuchWork)) throw error;
    cut = 'The values are too large for a dry run. Give shorter ones.';
  }
  return { steps: run.steps, notTried, assumptions: run.assumptions, ignored: canned.ignored, cut };
}

/** Whether an edge is followed; `maybe` when that depends on what is unknown. */
type Flow = 'yes' | 'maybe' | 'no';

/** What a run works with, besides the graph. */
interface Given {
  input: JsonObject | null;
  /** The outputs that were given, by the id of their block. */
  canned: ReadonlyMap<string, Json>;
  ports: RulePorts;
}

class Run {
  readonly steps: Step[] = [];
  readonly assumptions = new Set<AssumptionId>();
  private readonly byId = new Map<string, Step>();
  private readonly byName = new Map<string, Block>();
  private readonly into: ReadonlyMap<string, readonly Edge[]>;
  /** Blocks with several edges out of one output. */
  private readonly forks = new Set<string>();
  private readonly sizes = new Map<Step, number>();
  private readonly reachability: Reachability;
  private readonly budget = new Budget(MAX_WORK);
  private readonly given: Given;

  constructor(graph: Graph, reachability: Reachability, given: Given) {
    this.given = given;
    this.reachability = reachability;
    for (const block of graph.blocks)
      if (!this.byName.has(nameKey(block.name))) this.byName.set(nameKey(block.name), block);
    this.into = Map.groupBy(graph.edges, ({ target }) => target);
    const outputs = new Set<string>();
    for (const { source, sourceHandle } of graph.edges) {
      const output = JSON.stringify([source, sourceHandle]);
      if (outputs.has(output)) this.forks.add(source);
      outputs.add(output);
    }
  }

  visit(block: Block): void {
    const [status, why] = this.statusOf(block);
    const step: Step = { block, status, why, ...NO_WORK };
    if (status === 'runs' || status === 'may_run') this.work(step);
    this.steps.push(step);
    this.byId.set(block.id, step);
  }

  private work(step: Step): void {
    const { block } = step;
    const { input, canned, ports } = this.given;
    if (isDeeperThan(block.config, MAX_LEVELS)) {
      step.output = new Unknown(`the config of ${block.name} nests too deep for a dry run`);
      return;
    }
    const work = workOf(block, {
      lookUp: (name, path) => this.lookUp(block, name, path),
      budget: this.budget,
      input,
      canned: canned.get(block.id),
      ports,
      assume: (id) => void this.assumptions.add(id),
    });
    Object.assign(step, work);
    if (this.forks.has(block.id)) this.assumptions.add('parallel_edges');
    if (work.fails === null) return;
    if (step.status === 'may_run') {
      step.mayFail = [...step.mayFail, work.fails];
      return;
    }
    step.status = 'fails';
    step.why = work.fails;
    this.assumptions.add('failure_stops_below');
  }

  private statusOf(block: Block): [Status, string | null] {
    const edges = this.into.get(block.id) ?? [];
    if (!findBlockType(block.type)?.trigger) {
      const flows = edges.map((edge) => this.flowOf(edge));
      const taken = flows.filter((flow) => flow === 'yes').length;
      if (taken === 0 && !flows.includes('maybe')) return ['skipped', this.whyNot(edges)];
      if (edges.length > 1) this.assumptions.add(taken === edges.length ? 'join_waits' : 'join_runs_once');
      if (!block.enabled) return this.disabled();
      if (taken === 0) return ['may_run', 'a condition above it depends on what is unknown'];
    } else if (!block.enabled) return this.disabled();
    return ['runs', null];
  }

  private disabled(): [Status, string] {
    this.assumptions.add('disabled_is_skipped');
    return ['skipped', 'it is disabled'];
  }

  private flowOf({ source, sourceHandle }: Edge): Flow {
    const step = this.byId.get(source);
    if (!step || step.status === 'skipped' || step.status === 'fails') return 'no';
    const isSure = step.status === 'runs' ? 'yes' : 'maybe';
    const handles = handlesOf(step.block);
    if (handles.length === 0) {
      // The engine takes a handle for a condition, and never follows the edge.
      if (sourceHandle !== undefined) return 'no';
      return isSure;
    }
    if (step.block.type !== 'condition')
      return sourceHandle !== undefined && handles.includes(sourceHandle) ? isSure : 'no';
    const took = step.took.find(({ handle }) => handle === sourceHandle);
    if (!took) return 'no';
    return took.isSure ? isSure : 'maybe';
  }

  private whyNot(edges: readonly Edge[]): string {
    const reasons = edges.map(({ source, sourceHandle }) => {
      const step = this.byId.get(source);
      if (!step) return null;
      const { block, status } = step;
      if (status === 'skipped') return `${block.name} is skipped`;
      if (status === 'fails') return `${block.name} fails`;
      if (block.type !== 'condition') return `the edge from ${block.name} has a handle that it does not have`;
      return `${block.name} does not take ${sourceHandle ?? 'an edge without a handle'}`;
    });
    return (
      [...new Set(reasons.filter((reason) => reason !== null))].slice(0, 3).join('; ') ||
      'nothing leads to it'
    );
  }

  private lookUp(reader: Block, name: string, path: string): Found {
    const target = this.byName.get(nameKey(name));
    if (!target) return { unresolved: `there is no block ${name.trim()}` };
    const step = this.byId.get(target.id);
    if (!step || !this.reachability.reaches(target.id, reader.id))
      return { unresolved: `${target.name} does not run before ${reader.name}` };
    if (step.status === 'skipped') return { unresolved: `${target.name} is skipped` };
    if (step.status === 'fails') return { unresolved: `${target.name} fails` };
    if (step.status === 'may_run') return { value: new Unknown(`${target.name} may not run`) };
    const { output } = step;
    if (output instanceof Unknown) return { value: output };
    this.budget.spend(this.sizeOf(step, output));
    if (path === '') return { value: output };
    const steps = readPath(path);
    if (!steps) return { value: new Unknown(`a dry run does not read the path ${path.slice(0, 80)}`) };
    const value = follow(output, steps);
    if (value === undefined)
      return { unresolved: `the output of ${target.name} has no ${path.slice(0, 80)}` };
    return { value };
  }

  private sizeOf(step: Step, output: Json): number {
    let size = this.sizes.get(step);
    if (size === undefined) this.sizes.set(step, (size = toJsonText(output).length));
    return size;
  }
}
