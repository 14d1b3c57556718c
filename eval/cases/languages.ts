/** Users who write in other languages. */
import type { EvalCase } from '../case.ts';
import { between, config, has, hasNo, NO_CHANGE, othersUntouched } from '../checks/graph.ts';
import { called, mentions, refusedAtMost } from '../checks/talk.ts';
import { SUPPORT, TRIAGE, WEEKLY } from '../project/graphs.ts';

export const languages: readonly EvalCase[] = [
  {
    id: 'language-german',
    about: 'a new block',
    graph: WEEKLY,
    turns: [
      {
        message:
          'Füge vor Report einen Schritt ein, der das Ergebnis per POST an https://hooks.shop.test/kurs schickt.',
      },
    ],
    checks: [
      between(
        { name: 'Convert' },
        { type: 'general_api', text: /hooks\.shop\.test\/kurs/ },
        { name: 'Report' },
      ),
      othersUntouched(),
      mentions(/\b(ich|habe|der|die|das|wurde|ist|und)\b/i),
      refusedAtMost(1),
    ],
  },
  {
    id: 'language-spanish',
    about: 'a question to the tables',
    graph: TRIAGE,
    turns: [{ message: '¿Cuántos pedidos cancelados hay?' }],
    checks: [called('execute_public_sql'), mentions([/\b20\b/, /pedido/i]), NO_CHANGE, refusedAtMost(1)],
  },
  {
    id: 'language-french',
    about: 'a new name',
    graph: WEEKLY,
    turns: [{ message: 'Renomme Convert en Conversion, s’il te plaît.' }],
    checks: [
      has({ name: 'Conversion', type: 'code' }),
      has({ name: 'Report', text: /<Conversion\.output>/ }),
      hasNo({ name: 'Convert' }),
      mentions(/renomm|nomm|appel|nom\b/i),
      refusedAtMost(0),
    ],
  },
  {
    id: 'language-japanese',
    about: 'a question about the workflow',
    graph: SUPPORT,
    turns: [{ message: 'このワークフローは何をしますか？短く説明してください。' }],
    checks: [mentions(/[\p{Script=Hiragana}\p{Script=Katakana}]{2}/u), NO_CHANGE, refusedAtMost(0)],
  },
  {
    id: 'language-chinese',
    about: 'one number of one expression',
    graph: TRIAGE,
    turns: [{ message: '把大订单的门槛改成 300。' }],
    checks: [
      config({ name: 'Large Order' }, 'compares with 300', ({ branches }) =>
        /300/.test(JSON.stringify(branches)),
      ),
      othersUntouched('Large Order'),
      mentions(/\p{Script=Han}{2}/u),
      refusedAtMost(1),
    ],
  },
  {
    id: 'language-arabic',
    about: 'a block that is switched off',
    graph: TRIAGE,
    turns: [{ message: 'عطّل كتلة Summarise مؤقتاً من دون حذفها.' }],
    checks: [
      config({ name: 'Summarise' }, 'is switched off', (_, { enabled }) => !enabled),
      othersUntouched('Summarise'),
      mentions(/\p{Script=Arabic}{3}/u),
      refusedAtMost(1),
    ],
  },
];
