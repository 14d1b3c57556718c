import type { Knex } from 'knex';

/** A function whose first argument, the database, is given already. */
export type WithoutDb<F> = F extends (db: Knex, ...args: infer A) => infer R ? (...args: A) => R : never;
