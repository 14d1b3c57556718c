/** The proposal: seen while it is made, shown before it is applied, applied, undone. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { describeInBrowser, findBarriers, type BrowserSystem } from '../support/browser.ts';
import { blockOf, makeFlow, type PageFlow, readFlow, saveFlow } from '../support/page-flow.ts';

const { browserTest } = describeInBrowser();

/** Has the model make these edits, one call each, and say that it is done once `end` resolves. */
function script(
  system: BrowserSystem['system'],
  word: string,
  edits: unknown[],
  end: Promise<unknown> = Promise.resolve(),
): void {
  system.scripts.set(word, (step) => {
    const edit = edits[step];
    return edit === undefined
      ? { text: ['Done.'], holdEnd: end }
      : { toolCalls: [{ name: 'modify_workflow', arguments: edit }] };
  });
}

/** An edit with one of each: a block added, one changed, one removed, and edges. */
function mixedEdit(): unknown {
  return {
    add_blocks: [{ id: 'tell', type: 'general_api', name: 'Tell', config: { url: 'https://a.example/x' } }],
    update_blocks: [{ id: 'Reply', config: { status_code: 202 } }],
    remove_blocks: ['Decide'],
    add_edges: [
      { source: 'Start', target: 'tell' },
      { source: 'tell', target: 'Reply' },
    ],
  };
}

async function proposed(
  { system, open }: BrowserSystem,
  word: string,
  edit = mixedEdit(),
): Promise<{ page: Page; flow: PageFlow; takeProblems: () => string[] }> {
  const flow = await makeFlow(system);
  script(system, word, [edit]);
  await system.chat({ id: flow.sessionId }, { message: `${word} it` });
  const { page, takeProblems } = await open({
    path: `/?workflow=${flow.workflowId}&session=${flow.sessionId}`,
  });
  await page.getByRole('region', { name: 'Proposal' }).waitFor();
  return { page, flow, takeProblems };
}

browserTest('a proposal is shown before anything is applied, then applied and undone', async (studio) => {
  const { page, flow, takeProblems } = await proposed(studio, 'mixed');
  const proposal = page.getByRole('region', { name: 'Proposal' });
  await proposal.getByText('1 block added, 1 block changed, 1 block removed').waitFor();
  for (const [name, change] of [
    ['Tell', 'added'],
    ['Reply', 'changed'],
    ['Decide', 'removed'],
  ] as const) {
    assert.equal(await blockOf(page, name).getAttribute('data-change'), change);
    assert.match(await blockOf(page, name).innerText(), new RegExp(change, 'i'));
  }
  assert.equal(await blockOf(page, 'Start').getAttribute('data-change'), null);
  const row = proposal.getByRole('row', { name: /status_code/ });
  assert.deepEqual(await row.getByRole('cell').allInnerTexts(), ['200', '202']);
  assert.deepEqual(await findBarriers(page), []);
  assert.equal((await readFlow(studio.system, flow.workflowId)).version, 2);

  await proposal.getByRole('button', { name: 'Preview' }).click();
  await blockOf(page, 'Tell').waitFor({ state: 'detached' });
  await proposal.getByRole('button', { name: 'Preview' }).click();
  await blockOf(page, 'Tell').waitFor();

  await proposal.getByRole('button', { name: 'Apply' }).click();
  await proposal.getByText('The change is applied and saved.').waitFor();
  assert.deepEqual(await findBarriers(page), []);
  assert.equal(await page.locator('[data-change]').count(), 0);
  const applied = await readFlow(studio.system, flow.workflowId);
  assert.deepEqual(applied.blocks.map(({ name }) => name).toSorted(), ['Reply', 'Start', 'Tell']);
  await page.getByText('Saved', { exact: true }).waitFor();

  await proposal.getByRole('button', { name: 'Undo' }).click();
  await proposal.getByText('The change was taken back.').waitFor();
  const undone = await readFlow(studio.system, flow.workflowId);
  assert.deepEqual(undone.blocks.map(({ name }) => name).toSorted(), ['Decide', 'Reply', 'Start']);
  await blockOf(page, 'Decide').waitFor();

  await page.reload();
  await blockOf(page, 'Decide').waitFor();
  await proposal.getByText('The change was taken back.').waitFor();
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('blocks appear while the copilot makes them', async ({ system, open }) => {
  const flow = await makeFlow(system);
  const first = Promise.withResolvers<void>();
  script(
    system,
    'slowly',
    [
      {
        add_blocks: [{ id: 'one', type: 'code', name: 'One', config: { code: 'output = 1' } }],
        add_edges: [{ source: 'Start', target: 'one' }],
      },
      {
        add_blocks: [{ id: 'two', type: 'code', name: 'Two', config: { code: 'output = 2' } }],
        add_edges: [{ source: 'one', target: 'two' }],
      },
    ],
    first.promise,
  );
  const { page, takeProblems } = await open({
    path: `/?workflow=${flow.workflowId}&session=${flow.sessionId}`,
  });
  await blockOf(page, 'Start').waitFor();
  const turn = system.chat({ id: flow.sessionId }, { message: 'slowly please' }, async (event) => {
    if (event.event === 'start') await page.reload();
  });
  await blockOf(page, 'Two').waitFor();
  assert.equal(await blockOf(page, 'One').getAttribute('data-change'), 'added');
  const proposal = page.getByRole('region', { name: 'Proposal' });
  await proposal.getByText('The copilot is working on it.').waitFor();
  assert.equal(await proposal.getByRole('button', { name: 'Apply' }).count(), 0);
  assert.deepEqual(await findBarriers(page), []);
  first.resolve();
  await turn;
  await proposal.getByRole('button', { name: 'Apply' }).waitFor();
  assert.equal(await blockOf(page, 'Two').getAttribute('data-change'), 'added');
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('manual edits stay: apply and undo keep them', async (studio) => {
  const { page, flow } = await proposed(studio, 'kept', {
    update_blocks: [{ id: 'Reply', config: { status_code: 202 } }],
  });
  const proposal = page.getByRole('region', { name: 'Proposal' });
  await proposal.getByRole('button', { name: 'Details' }).click();
  await blockOf(page, 'Decide').click();
  await page.getByRole('textbox', { name: 'branches' }).fill('[{"expression":"true"}]');
  await proposal.getByRole('button', { name: 'Apply' }).click();
  await proposal.getByText('The change is applied and saved.').waitFor();
  await page.getByRole('textbox', { name: 'branches' }).fill('[{"expression":"false"}]');
  await page.getByText('Not saved').waitFor();
  await proposal.getByRole('button', { name: 'Undo' }).click();
  await proposal.getByText('The change was taken back.').waitFor();
  const { blocks } = await readFlow(studio.system, flow.workflowId);
  assert.equal(blocks.find(({ id }) => id === flow.ids.Reply)?.config.status_code, 200);
  assert.deepEqual(blocks.find(({ id }) => id === flow.ids.Decide)?.config, {
    branches: [{ expression: 'false' }],
  });
  await page.context().close();
});

browserTest('a proposal whose block is gone says so before and after it is tried', async (studio) => {
  const { page } = await proposed(studio, 'gone', {
    update_blocks: [{ id: 'Reply', config: { status_code: 202 } }],
  });
  const proposal = page.getByRole('region', { name: 'Proposal' });
  await proposal.getByRole('button', { name: 'Details' }).click();
  await blockOf(page, 'Reply').click();
  await page.keyboard.press('Delete');
  await proposal.getByText(/No longer fits/).waitFor();
  await proposal.getByRole('button', { name: 'Apply' }).click();
  await proposal
    .getByRole('alert')
    .getByText(/no longer fits/)
    .waitFor();
  assert.deepEqual(await findBarriers(page), []);
  await page.getByRole('button', { name: 'Step back' }).click();
  await proposal.getByRole('button', { name: 'Apply' }).click();
  await proposal.getByText('The change is applied and saved.').waitFor();
  await page.context().close();
});

browserTest('an undo that others stand in the way of says which blocks', async (studio) => {
  const { page, flow } = await proposed(studio, 'blocked', {
    update_blocks: [{ id: 'Reply', config: { status_code: 202 } }],
  });
  const proposal = page.getByRole('region', { name: 'Proposal' });
  await proposal.getByRole('button', { name: 'Apply' }).click();
  await proposal.getByText('The change is applied and saved.').waitFor();
  const { blocks, edges } = await readFlow(studio.system, flow.workflowId);
  await saveFlow(studio.system, flow.workflowId, {
    blocks: blocks.map((block) =>
      block.id === flow.ids.Reply ? { ...block, config: { ...block.config, status_code: 500 } } : block,
    ),
    edges,
  });
  await proposal.getByRole('button', { name: 'Undo' }).click();
  await proposal.getByRole('alert').getByText(/Reply/).waitFor();
  await page.context().close();
});

browserTest('by keyboard and on a narrow page: read, apply, undo', async ({ system, open }) => {
  const flow = await makeFlow(system);
  script(system, 'narrow', [mixedEdit()]);
  await system.chat({ id: flow.sessionId }, { message: 'narrow it' });
  const { page, takeProblems } = await open({
    path: `/?workflow=${flow.workflowId}&session=${flow.sessionId}`,
    viewport: { width: 390, height: 800 },
    colorScheme: 'dark',
  });
  await page.getByRole('tab', { name: 'Conversation' }).press('ArrowRight');
  const proposal = page.getByRole('region', { name: 'Proposal' });
  await proposal.getByRole('button', { name: 'Apply' }).waitFor();
  assert.deepEqual(await findBarriers(page), []);
  await proposal.getByRole('button', { name: 'Apply' }).press('Enter');
  const undo = proposal.getByRole('button', { name: 'Undo' });
  await undo.waitFor();
  // The focus stays at the place where the next thing to do is.
  await page.locator('button:focus', { hasText: 'Undo' }).waitFor();
  await page.keyboard.press('Enter');
  await proposal.getByText('The change was taken back.').waitFor();
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});
