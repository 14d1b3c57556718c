/** All cases, in the order of the report. */
import type { EvalCase } from '../case.ts';
import { assetCases } from './assets.ts';
import { build } from './build.ts';
import { conversations } from './conversations.ts';
import { data } from './data.ts';
import { hostile } from './hostile.ts';
import { impossible } from './impossible.ts';
import { insert } from './insert.ts';
import { languages } from './languages.ts';
import { remove } from './remove.ts';
import { rename } from './rename.ts';
import { restructure } from './restructure.ts';
import { runs } from './runs.ts';
import { vague } from './vague.ts';

/** The groups of the report, by what a user wants. */
export const GROUPS: Readonly<Record<string, readonly EvalCase[]>> = {
  'build a workflow': build,
  'insert blocks': insert,
  'rename blocks': rename,
  'remove blocks': remove,
  'restructure and configure': restructure,
  'understand and fix runs': runs,
  'change assets with confirmation': assetCases,
  'answer questions about data': data,
  'decline what is impossible': impossible,
  'handle vague requests': vague,
  'other languages': languages,
  'longer conversations': conversations,
  'hostile text': hostile,
};

export const CASES: readonly EvalCase[] = Object.values(GROUPS).flat();
