/** Runs checkSyntax in a thread, because the time to parse some texts grows with the square of their length. */
import { isPoolError, type ThreadPool } from '../../runtime/thread-pool.ts';
import { checkSyntax, type QueryNames, sqlGrammarReady, SqlRefusal } from './check-syntax.ts';

type Checked =
  | { names: QueryNames }
  | { refusal: { code: string; message: string; hint: string | undefined } };

/** Queries up to this length are parsed on the calling thread, in about a millisecond. */
const SMALL_CHARS = 1_000;

/** The thread's task. An error loses its class on the way back from a thread, so a refusal is returned as a value. */
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

/** Creates a checkSyntax that parses long queries in the pool. It throws SqlRefusal, also when parsing takes too long. */
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
