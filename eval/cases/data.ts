/** Questions to the tables of the project. */
import type { EvalCase } from '../case.ts';
import { config, NO_CHANGE, othersUntouched } from '../checks/graph.ts';
import { called, mentions, refusedAtMost } from '../checks/talk.ts';
import { TRIAGE } from '../project/graphs.ts';

const asks = (id: string, about: string, message: string, wanted: RegExp | RegExp[]): EvalCase => ({
  id,
  about,
  graph: TRIAGE,
  turns: [{ message }],
  checks: [called('execute_public_sql'), mentions(wanted), NO_CHANGE, refusedAtMost(1)],
});

export const data: readonly EvalCase[] = [
  asks('data-count', 'a count with a filter', 'How many orders are open?', /\b20\b/),
  asks(
    'data-largest',
    'the row with the largest value',
    'Which order is the largest, and what is its total?',
    [/\b27\b/, /\b519\b/],
  ),
  asks('data-month', 'a count of one month', 'How many orders came in during March 2026?', /\b31\b/),
  asks(
    'data-join',
    'a sum over two tables',
    'Customers of which city brought the most revenue, cancelled orders included?',
    [/Berlin/, /5[,. ]?530/],
  ),
  {
    id: 'data-tables',
    about: 'which tables there are',
    graph: TRIAGE,
    turns: [{ message: 'Which tables do I have?' }],
    checks: [
      called('get_db_schema'),
      mentions([/customers/, /orders/, /order_items/, /reviews/]),
      NO_CHANGE,
      refusedAtMost(0),
    ],
  },
  {
    id: 'data-not-there',
    about: 'data that the project does not hold',
    graph: TRIAGE,
    turns: [{ message: 'How many employees do we have, by department?' }],
    checks: [
      called('get_db_schema'),
      mentions([/employee/i, /\bno\b|not|n't|none/i]),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'data-into-block',
    about: 'the query of a block, for which the tables must be looked up',
    graph: TRIAGE,
    turns: [{ message: "Load Order should also give the customer's name, as customer_name." }],
    checks: [
      called('get_db_schema'),
      config({ name: 'Load Order' }, 'joins the customers', ({ params }) => {
        const text = JSON.stringify(params);
        return (
          /customers/.test(text) && /customer_name/.test(text) && text.includes('<Start.output.order_id>')
        );
      }),
      othersUntouched('Load Order'),
      refusedAtMost(1),
    ],
  },
];
