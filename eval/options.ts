/** The command line of `npm run eval`. */
import { parseArgs } from 'node:util';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { CASES } from './cases/index.ts';
import type { EvalCase } from './case.ts';

export interface EvalOptions {
  /** The models to compare. Empty: the default model where one has a key, otherwise the recorded answers. */
  models: readonly string[];
  /** The versions of the prompt to compare. Empty: that of new turns. */
  prompts: readonly string[];
  recorded: boolean;
  cases: readonly EvalCase[];
  trials: number;
  parallel: number;
  /** No more cases begin once the models have cost so much. Null: no limit. */
  budgetUsd: number | null;
  /** Where report.md and report.json go. */
  out: string | null;
  /** A report.json to compare with. */
  against: string | null;
  /** Writes the snapshots. */
  update: boolean;
}

export const USAGE = `npm run eval -- [options]

  --model <id>       a model of the catalogue; give it twice to compare two models
  --prompt <version> a version of the prompt; give it twice to compare two prompts
  --recorded         the recorded answers, also where a model has a key
  --case <text>      only the cases whose name holds the text; may be given more than once
  --trials <n>       runs of each case (1)
  --parallel <n>     cases at once (4)
  --budget <usd>     begin no more cases once the models have cost so much
  --out <folder>     write report.md and report.json there
  --against <file>   compare with a report.json of an earlier run
  --update           with recorded answers: write eval/snapshots and the table of eval/README.md
  --list             the names of the cases`;

/** Reads the arguments. Null for --list and --help, which are answered at once. Throws FriendlyError. */
export function readOptions(args: readonly string[]): EvalOptions | null {
  const { values } = parse(args);
  if (values.help) console.log(USAGE);
  if (values.list) for (const { id, about } of CASES) console.log(`${id.padEnd(30)} ${about}`);
  if (values.help || values.list) return null;
  const models = values.model ?? [];
  const filters = values.case ?? [];
  if (values.recorded && models.length > 0)
    throw new FriendlyError('--recorded and --model exclude each other.');
  const cases = CASES.filter(({ id }) => filters.length === 0 || filters.some((text) => id.includes(text)));
  if (cases.length === 0)
    throw new FriendlyError(`No case has ${filters.join(' or ')} in its name. --list shows all.`);
  const update = values.update ?? false;
  const prompts = values.prompt ?? [];
  if (update && (models.length > 0 || prompts.length > 0 || filters.length > 0))
    throw new FriendlyError(
      '--update takes all cases on their recorded answers: leave out --model, --prompt and --case.',
    );
  return {
    models: [...new Set(models)],
    prompts: [...new Set(prompts)],
    recorded: (values.recorded ?? false) || update,
    cases,
    trials: wholeNumber('--trials', values.trials, 1),
    parallel: wholeNumber('--parallel', values.parallel, 4),
    budgetUsd: values.budget === undefined ? null : dollars(values.budget),
    out: values.out ?? null,
    against: values.against ?? null,
    update,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        model: { type: 'string', multiple: true },
        prompt: { type: 'string', multiple: true },
        case: { type: 'string', multiple: true },
        recorded: { type: 'boolean' },
        trials: { type: 'string' },
        parallel: { type: 'string' },
        budget: { type: 'string' },
        out: { type: 'string' },
        against: { type: 'string' },
        update: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error: unknown) {
    throw new FriendlyError(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

function wholeNumber(name: string, text: string | undefined, standard: number): number {
  if (text === undefined) return standard;
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new FriendlyError(`${name} takes a whole number from 1 to 999.`);
  return Number(text);
}

function dollars(text: string): number {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text)) throw new FriendlyError('--budget takes dollars, such as 2.50.');
  return Number(text);
}
