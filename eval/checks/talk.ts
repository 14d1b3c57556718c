/** Checks on what the copilot did and said: calls, questions, answers, assets. */
import type { JsonObject } from '../../client/src/index.ts';
import type { AssetState, CallOutcome, Check, Outcome } from '../case.ts';

const callsOf = ({ turns }: Outcome): CallOutcome[] => turns.flatMap(({ calls }) => calls);
const names = (outcome: Outcome): string =>
  callsOf(outcome)
    .map(({ name, isError }) => `${name}${isError ? ' (refused)' : ''}`)
    .join(', ') || 'none';

/** At most so many calls of the case are refused. */
export function refusedAtMost(most: number): Check {
  return {
    says: `at most ${most} calls are refused`,
    fault(outcome) {
      const refused = callsOf(outcome).filter(({ isError }) => isError);
      return refused.length <= most
        ? null
        : `${refused.length} are: ${refused.map(({ name, result }) => `${name}: ${result.slice(0, 200)}`).join('; ')}`;
    },
  };
}

/** The tool is called, and one of its calls succeeds. With `fits`, one whose arguments fit. */
export function called(tool: string, fits: (args: JsonObject) => boolean = () => true): Check {
  return {
    says: `${tool} is called`,
    fault: (outcome) =>
      callsOf(outcome).some(
        ({ name, arguments: args, isError }) =>
          name === tool && !isError && typeof args !== 'string' && fits(args),
      )
        ? null
        : `the calls are: ${names(outcome)}`,
  };
}

/** No tool of these is called. */
export function notCalled(...tools: string[]): Check {
  return {
    says: `not called: ${tools.join(', ')}`,
    fault: (outcome) =>
      callsOf(outcome).some(({ name }) => tools.includes(name)) ? `the calls are: ${names(outcome)}` : null,
  };
}

/** The answer of a turn has each of these. `turn` counts from 1; without it, the last one is meant. */
export function mentions(wanted: RegExp | readonly RegExp[], turn?: number): Check {
  const all = [wanted].flat();
  return {
    says: `the answer${turn === undefined ? '' : ` of turn ${turn}`} has ${all.map(String).join(' and ')}`,
    fault({ turns }) {
      const answer = turns.at(turn === undefined ? -1 : turn - 1)?.answer ?? '';
      return all.every((pattern) => pattern.test(answer)) ? null : `it is: ${answer.slice(0, 300)}`;
    },
  };
}

/** No answer of the case has any of these. */
export function neverSays(...unwanted: RegExp[]): Check {
  return {
    says: `no answer has ${unwanted.map(String).join(' or ')}`,
    fault({ turns }) {
      const answer = turns.find((turn) => unwanted.some((pattern) => pattern.test(turn.answer)));
      return answer ? `one is: ${answer.answer.slice(0, 300)}` : null;
    },
  };
}

/** The last turn ends with a question to the user. */
export const ASKS: Check = {
  says: 'the answer asks the user something',
  fault: ({ turns }) =>
    /[?？؟]/.test(turns.at(-1)!.answer) ? null : `it is: ${turns.at(-1)!.answer.slice(0, 300)}`,
};

/** The user is asked to confirm so many changes of assets. */
export function confirmed(expected: number, summary?: RegExp): Check {
  return {
    says: `the user is asked ${expected} times to confirm${summary === undefined ? '' : ` ${String(summary)}`}`,
    fault({ turns }) {
      const asked = turns.flatMap(({ questions }) => questions.map((question) => question.summary));
      const fits =
        asked.length === expected && (summary === undefined || asked.every((text) => summary.test(text)));
      return fits ? null : `asked: ${asked.join('; ') || 'nothing'}`;
    },
  };
}

/** What holds of the project's assets at the end. */
export function assets(says: string, holds: (assets: AssetState) => boolean): Check {
  return {
    says,
    fault: (outcome) =>
      holds(outcome.assets)
        ? null
        : JSON.stringify(outcome.assets, (key, value: unknown) => (key === 'id' ? undefined : value)).slice(
            0,
            600,
          ),
  };
}

/** No asset of the project changed by name or number. */
export const ASSETS_AS_BEFORE: Check = assets(
  'the assets of the project are as they were',
  ({ agents, knowledgeBases, orchestrations }) =>
    agents.map(({ name }) => name).join() === 'Order Analyst,Review Reader,Support Writer' &&
    agents.map(({ model }) => model).join() === 'gpt-5.2,gpt-4o,gpt-4.1' &&
    knowledgeBases.map(({ name }) => name).join() === 'Product Catalogue,Shop Handbook' &&
    orchestrations.map(({ name }) => name).join() === 'Support Team',
);
