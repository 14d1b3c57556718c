import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHeavyWork, type RunInThread } from '../../../activities/heavy-work.ts';
import { createModifyWorkflowTool } from '../../../activities/tools/modify-workflow.ts';
import { createPythonChecker } from '../../../activities/tools/python-syntax.ts';
import type { ToolContext } from '../../../activities/tools/tool.ts';
import { block, graph } from '../../support/graph-builders.ts';
import { openProject } from '../../support/edit-tool.ts';

const tooSlow: RunInThread = () => Promise.reject(Object.assign(new Error('slow'), { code: 'TASK_TIMEOUT' }));
const small = JSON.stringify(graph([block('A')]));
const large = JSON.stringify(graph([block('A', { config: { code: 'x'.repeat(100_000) } }), block('B')]));

test('small work is done at once, large work in a thread', async () => {
  const asked: string[] = [];
  const work = createHeavyWork((task) => {
    asked.push(task);
    return Promise.resolve(null as never);
  });
  await work.renderState({ graph: small, message: 'hi' });
  await work.diffGraphs({ base: small, working: small.replace('output = 1', 'output = 2') });
  await work.editGraph({ graph: small, edit: '{}', aliases: new Map(), project: openProject });
  assert.deepEqual(asked, []);
  await work.renderState({ graph: large, message: 'hi' });
  await work.diffGraphs({ base: small, working: large });
  await work.editGraph({ graph: large, edit: '{}', aliases: new Map(), project: openProject });
  assert.deepEqual(asked, ['renderState', 'diffGraphs', 'editGraph']);
});

test('a canvas that takes too long to render is shown without its configs', async () => {
  const text = await createHeavyWork(tooSlow).renderState({ graph: large, message: 'hi' });
  assert.ok(text.includes('"name":"B"') && text.includes('too much to show') && !text.includes('xxx'));
});

test('an edit that takes too long is a result that says so', async () => {
  const tool = createModifyWorkflowTool({
    python: createPythonChecker(),
    project: { loadProjectFacts: () => Promise.resolve(openProject) },
    assets: { models: () => [] },
    editGraph: createHeavyWork(tooSlow).editGraph,
  });
  const context = {
    signal: new AbortController().signal,
    workingGraph: () => Promise.resolve({ text: large, aliases: new Map(), turnStart: null }),
    userMessages: () => Promise.resolve([]),
  } as unknown as ToolContext;
  const { isError, result, graph: changed } = await tool.run({ remove_blocks: ['B'] }, context);
  assert.equal(isError, true);
  assert.equal((result as { code: string }).code, 'too_complex');
  assert.equal(changed, undefined);
});
