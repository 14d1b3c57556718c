/** Looks up the ids and models that an edit mentions, to tell which of them do not exist. */
import type { Knex } from 'knex';
import type { Mentions, ProjectFacts, ReferredKind } from '../../domain/rules/project-facts.ts';
import { rowsOf } from '../connection/sql-rows.ts';

const TABLES: Readonly<Record<ReferredKind, string>> = {
  agent: 'agents',
  knowledge_base: 'knowledge_bases',
  source: 'sources',
};

/**
 * Makes one query, or none when nothing has to be looked up. A model is known when it is in `models` (the catalogue)
 * or when an agent of the project uses it.
 */
export async function loadProjectFacts(
  db: Knex,
  mentions: Mentions,
  models: readonly string[],
): Promise<ProjectFacts> {
  const kinds = Object.keys(TABLES) as ReferredKind[];
  const unknown = mentions.models.filter((model) => !models.includes(model));
  if (unknown.length === 0 && kinds.every((kind) => mentions.ids[kind].length === 0))
    return {
      missing: toSets({ agent: [], knowledge_base: [], source: [] }),
      unknownModels: new Set(),
      models,
    };
  // Postgres refuses text with NUL or lone surrogates. An id that is no UUID counts as missing, without a cast error.
  const clean = (list: readonly string[]): string[] =>
    list.map((text) => text.replaceAll('\0', '').toWellFormed());
  const rows = await rowsOf<{ kind: string; name: string }>(
    db,
    [
      ...kinds.map(
        (kind) => `select '${kind}' as kind, w.id as name from unnest(?::text[]) as w (id)
           where not exists (select 1 from ai.${TABLES[kind]} a where a.id = case
             when w.id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then w.id::uuid end)`,
      ),
      `select 'model', w.id from unnest(?::text[]) as w (id)
         where not exists (select 1 from ai.agents a where a.model = w.id)`,
    ].join(' union all '),
    [...kinds.map((kind) => clean(mentions.ids[kind])), clean(unknown)],
  );
  const of = (kind: string): string[] => rows.filter((row) => row.kind === kind).map((row) => row.name);
  return {
    missing: toSets({ agent: of('agent'), knowledge_base: of('knowledge_base'), source: of('source') }),
    unknownModels: new Set(of('model')),
    models,
  };
}

function toSets(lists: Record<ReferredKind, string[]>): ProjectFacts['missing'] {
  return {
    agent: new Set(lists.agent),
    knowledge_base: new Set(lists.knowledge_base),
    source: new Set(lists.source),
  };
}
