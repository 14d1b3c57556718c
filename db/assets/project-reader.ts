/** What the tools may read of a project: the functions of this room, bound to one database. */
import type { Knex } from 'knex';
import type { WithoutDb } from '../connection/without-db.ts';
import { findFullAsset, findIdsByName, listAssets, listNames } from './asset-lists.ts';
import { loadProjectFacts } from './project-facts.ts';
import { findRun, listRuns } from './run-logs.ts';

export interface ProjectReader {
  listAssets: WithoutDb<typeof listAssets>;
  listNames: WithoutDb<typeof listNames>;
  findIdsByName: WithoutDb<typeof findIdsByName>;
  findFullAsset: WithoutDb<typeof findFullAsset>;
  loadProjectFacts: WithoutDb<typeof loadProjectFacts>;
  listRuns: WithoutDb<typeof listRuns>;
  findRun: WithoutDb<typeof findRun>;
}

/** Binds the reading functions to a database. */
export function createProjectReader(db: Knex): ProjectReader {
  return {
    listAssets: (kind, options) => listAssets(db, kind, options),
    listNames: (kind, limit) => listNames(db, kind, limit),
    findIdsByName: (kind, name) => findIdsByName(db, kind, name),
    findFullAsset: (kind, id) => findFullAsset(db, kind, id),
    loadProjectFacts: (mentions, modelIds) => loadProjectFacts(db, mentions, modelIds),
    listRuns: (workflowId, options) => listRuns(db, workflowId, options),
    findRun: (workflowId, id, block) => findRun(db, workflowId, id, block),
  };
}
