/** checkSyntax in a thread: the grammar takes time that grows with the square of some texts within the limit. */
import { isPoolError, type ThreadPool } from '../../runtime/thread-pool.ts';
import { checkSyntax, type QueryNames, sqlGrammarReady, SqlRefusal } from './check-syntax.ts';

type Checked =
  | { names: QueryNames }
  | { refusal: { code: string; message: string; hint: string | undefined } };

/** Up to this long a query is read at once, in about a millisecond. */
const SMALL_CHARS = 1_000;

/** The task, as a thread has it: errors lose their class on the way back, so a refusal is a result. */
export async function checkSqlSyntax(sql: string): Promise<Checked> {
  await sqlGrammarReady();
  try {
    return { names: checkSyntax(sql) };
  } catch (error: unknown) {
    if (!(error instanceof SqlRefusal)) throw error;
    const { code, message, hint } = error;
    return { refusal: { code, message, hint } };
  }
}

/** Creates checkSyntax for queries of any length. Throws SqlRefusal, also for one that can't be read in time. */
export function createSyntaxCheck(
  pool: Pick<ThreadPool, 'run'> | null,
): (sql: string) => Promise<QueryNames> {
  return async (sql) => {
    if (pool === null || sql.length <= SMALL_CHARS) {
      await sqlGrammarReady();
      return checkSyntax(sql);
    }
    let checked: Checked;
    try {
      checked = await pool.run<Checked>('checkSqlSyntax', sql, { bytes: sql.length });
    } catch (error: unknown) {
      if (!isPoolError(error)) throw error;
      throw new SqlRefusal('too_complex', 'The query takes too long to be read.', 'Write a shorter one.');
    }
    if ('names' in checked) return checked.names;
    const { code, message, hint } = checked.refusal;
    throw new SqlRefusal(code, message, hint);
  };
}
