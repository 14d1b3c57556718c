/** What the tools may read of a project: the functions of this room, bound to one database. */
import type { Knex } from 'knex';
import type { WithoutDb } from '../connection/without-db.ts';
import { findFullAsset, findIdsByName, listAssets, listNames } from './asset-lists.ts';
import { listUsers } from './asset-users.ts';
import { loadProjectFacts } from './project-facts.ts';
import { countRuns, findRun, listRunDetails, listRuns } from './run-logs.ts';

export interface ProjectReader {
  listAssets: WithoutDb<typeof listAssets>;
  listNames: WithoutDb<typeof listNames>;
  findIdsByName: WithoutDb<typeof findIdsByName>;
  findFullAsset: WithoutDb<typeof findFullAsset>;
  listUsers: WithoutDb<typeof listUsers>;
  loadProjectFacts: WithoutDb<typeof loadProjectFacts>;
  listRuns: WithoutDb<typeof listRuns>;
  countRuns: WithoutDb<typeof countRuns>;
  findRun: WithoutDb<typeof findRun>;
  listRunDetails: WithoutDb<typeof listRunDetails>;
}

/** Binds the reading functions to a database. */
export function createProjectReader(db: Knex): ProjectReader {
  return {
    listAssets: (kind, options) => listAssets(db, kind, options),
    listNames: (kind, limit) => listNames(db, kind, limit),
    findIdsByName: (kind, name) => findIdsByName(db, kind, name),
    findFullAsset: (kind, id) => findFullAsset(db, kind, id),
    listUsers: (kind, id) => listUsers(db, kind, id),
    loadProjectFacts: (mentions, modelIds) => loadProjectFacts(db, mentions, modelIds),
    listRuns: (workflowId, options) => listRuns(db, workflowId, options),
    countRuns: (workflowId, status) => countRuns(db, workflowId, status),
    findRun: (workflowId, id, block) => findRun(db, workflowId, id, block),
    listRunDetails: (workflowId, options) => listRunDetails(db, workflowId, options),
  };
}
