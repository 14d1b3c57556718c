/** The canvas: seeing, editing and saving a workflow by hand. */
import assert from 'node:assert/strict';
import { describeInBrowser, findBarriers } from '../support/browser.ts';
import { blockOf, makeFlow, readFlow, saveFlow } from '../support/page-flow.ts';

const { browserTest } = describeInBrowser();

browserTest(
  'every block is there with its type, a line of its config and its outputs',
  async ({ open, system }) => {
    const { workflowId } = await makeFlow(system);
    const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
    await blockOf(page, 'Start').waitFor();
    const decide = blockOf(page, 'Decide');
    const text = await decide.innerText();
    for (const word of ['Decide', 'Condition', 'branches:', 'if', 'else'])
      assert.ok(text.includes(word), word);
    assert.equal(await decide.locator('.react-flow__handle.source').count(), 2);
    assert.equal(await blockOf(page, 'Start').locator('.react-flow__handle.target').count(), 0);
    assert.equal(await blockOf(page, 'Reply').locator('.react-flow__handle.source').count(), 0);
    assert.equal(await page.locator('.react-flow__edge').count(), 2);
    assert.deepEqual(await findBarriers(page), []);
    assert.deepEqual(takeProblems(), []);
    await page.context().close();
  },
);

browserTest('a config is edited in a form, stepped back, and saved', async ({ open, system }) => {
  const { workflowId, ids } = await makeFlow(system);
  const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
  await blockOf(page, 'Reply').click();
  const form = page.getByRole('complementary', { name: 'Block settings' });
  const status = form.getByRole('textbox', { name: 'status_code' });
  assert.equal(await status.inputValue(), '200');
  await status.fill('teapot');
  assert.equal(await status.getAttribute('aria-invalid'), 'true');
  await status.fill('418');
  await form.getByRole('textbox', { name: 'headers' }).fill('{"X-Test": "yes"}');
  assert.deepEqual(await findBarriers(page), []);
  await page.getByText('Not saved').waitFor();
  await page.getByRole('button', { name: 'Step back' }).click();
  assert.equal(await form.getByRole('textbox', { name: 'headers' }).inputValue(), '');
  await page.getByRole('button', { name: 'Step forward' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved', { exact: true }).waitFor();
  const { blocks, version } = await readFlow(system, workflowId);
  assert.deepEqual(blocks.find(({ id }) => id === ids.Reply)?.config, {
    output: '<Start.output.order>',
    status_code: 418,
    headers: { 'X-Test': 'yes' },
  });
  assert.equal(version, 3);
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('a new name is taken over by the references to it', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await blockOf(page, 'Start').click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Begin');
  await page.keyboard.press('Enter');
  await blockOf(page, 'Begin').waitFor();
  await page.keyboard.press('Control+s');
  await page.getByText('Saved', { exact: true }).waitFor();
  const { blocks } = await readFlow(system, workflowId);
  assert.match(JSON.stringify(blocks), /<Begin\.output\.order> > 5/);
  assert.doesNotMatch(JSON.stringify(blocks), /Start/);
  await page.context().close();
});

browserTest('a block is dragged, connected by a line and deleted by pointer', async ({ open, system }) => {
  const { workflowId, ids } = await makeFlow(system);
  const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
  const start = blockOf(page, 'Start');
  const before = await start.boundingBox();
  assert.ok(before);
  await page.mouse.move(before.x + 60, before.y + 30);
  await page.mouse.down();
  await page.mouse.move(before.x - 40, before.y + 50, { steps: 5 });
  await page.mouse.up();
  const from = await blockOf(page, 'Decide').locator('.react-flow__handle.source').first().boundingBox();
  const to = await blockOf(page, 'Reply').locator('.react-flow__handle.target').boundingBox();
  assert.ok(from && to);
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2, { steps: 8 });
  await page.mouse.up();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved', { exact: true }).waitFor();
  const moved = await readFlow(system, workflowId);
  const place = moved.blocks.find(({ id }) => id === ids.Start)?.position;
  assert.ok(place && place.x < 260 && place.y > 55, JSON.stringify(place));
  assert.equal(moved.edges.filter(({ sourceHandle }) => sourceHandle === 'if').length, 1);
  await blockOf(page, 'Decide').click();
  await page.keyboard.press('Delete');
  await blockOf(page, 'Decide').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+s');
  await page.getByText('Saved', { exact: true }).waitFor();
  const { blocks, edges } = await readFlow(system, workflowId);
  assert.deepEqual(blocks.map(({ name }) => name).toSorted(), ['Reply', 'Start']);
  assert.deepEqual(edges, []);
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('by keyboard alone: add, name, connect, move, disconnect, save', async ({ open, system }) => {
  const { workflowId, ids } = await makeFlow(system);
  const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
  await blockOf(page, 'Start').waitFor();
  await page.getByRole('button', { name: 'Add a block' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Code', exact: false }).first().waitFor();
  while ((await page.locator(':focus').innerText()).split('\n')[0] !== 'Code')
    await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const added = blockOf(page, 'Code');
  await added.waitFor();
  // The new block has the focus: it is moved by the arrow keys.
  await page.locator(':focus[aria-label="Code"]').waitFor();
  const place = await added.boundingBox();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.getByText('Moved right.').waitFor({ state: 'attached' });
  assert.ok(((await added.boundingBox())?.x ?? 0) > (place?.x ?? 0) + 5);
  const form = page.getByRole('complementary', { name: 'Block settings' });
  await form.getByRole('combobox', { name: 'Leads to' }).selectOption('Reply');
  await form.getByRole('button', { name: 'Connect', exact: true }).press('Enter');
  await form.getByRole('button', { name: 'Disconnect from Reply' }).waitFor();
  await page.getByRole('button', { name: 'Find a block' }).press('Enter');
  await page.getByRole('searchbox', { name: 'Name or type' }).fill('decide');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator(':focus[aria-label="Decide"]').waitFor();
  await form.getByRole('button', { name: 'Disconnect from Reply' }).press('Enter');
  await page.keyboard.press('Control+s');
  await page.getByText('Saved', { exact: true }).waitFor();
  const { blocks, edges } = await readFlow(system, workflowId);
  const code = blocks.find(({ name }) => name === 'Code');
  assert.ok(code);
  assert.deepEqual(code.config, { language: 'python' });
  assert.deepEqual(
    edges.map(({ source, target }) => `${source} ${target}`).toSorted(),
    [`${ids.Start} ${ids.Decide}`, `${code.id} ${ids.Reply}`].toSorted(),
  );
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('what somebody else saved meanwhile is shown, and either can stay', async ({ open, system }) => {
  const { workflowId, ids } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  const editStatus = async (code: string): Promise<void> => {
    await blockOf(page, 'Reply').click();
    await page.getByRole('textbox', { name: 'status_code' }).fill(code);
  };
  const theirs = async (name: string): Promise<void> => {
    const { blocks, edges } = await readFlow(system, workflowId);
    const renamed = blocks.map((block) => (block.id === ids.Start ? { ...block, name } : block));
    await saveFlow(system, workflowId, { blocks: renamed, edges });
  };
  await editStatus('201');
  await theirs('Begin');
  await page.getByRole('button', { name: 'Save' }).click();
  const dialog = page.getByRole('dialog', { name: /Somebody else saved/ });
  await dialog.waitFor();
  assert.deepEqual(
    (await dialog.getByRole('definition').allInnerTexts()).map((text) => text.trim()),
    ['1 block changed', '1 block changed'],
  );
  assert.deepEqual(await findBarriers(page), []);
  await dialog.getByRole('button', { name: 'Take theirs' }).click();
  await blockOf(page, 'Begin').waitFor();
  assert.equal(await page.getByRole('textbox', { name: 'status_code' }).inputValue(), '200');
  await editStatus('202');
  await theirs('Beginning');
  await page.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: 'Keep mine' }).click();
  await page.getByText('Saved', { exact: true }).waitFor();
  const { blocks } = await readFlow(system, workflowId);
  assert.deepEqual(blocks.map(({ name }) => name).toSorted(), ['Begin', 'Decide', 'Reply']);
  assert.equal(blocks.find(({ id }) => id === ids.Reply)?.config.status_code, 202);
  await page.context().close();
});

browserTest('a workflow that is gone, an empty one and none are told in words', async ({ open, system }) => {
  const { page } = await open({ path: '/?workflow=00000000-0000-4000-8000-000000000000' });
  await page.getByText('The workflow could not be loaded').waitFor();
  assert.deepEqual(await findBarriers(page), []);
  const empty = await system.call('POST', '/api/workflows', { name: 'Empty' });
  await page.goto(`${system.url}/?workflow=${String(empty.body.id)}`);
  await page.getByText('Nothing here yet').waitFor();
  assert.deepEqual(await findBarriers(page), []);
  await page.context().close();
});

browserTest('names that would be markup, or turn the line around, stay text', async ({ open, system }) => {
  const { workflowId, ids } = await makeFlow(system);
  const { blocks, edges } = await readFlow(system, workflowId);
  const hostile = '<img src=x onerror=alert(1)>\u202Etxt.exe';
  await saveFlow(system, workflowId, {
    blocks: blocks.map((block) =>
      block.id === ids.Reply
        ? { ...block, name: hostile, config: { output: '<script>alert(2)</script>' } }
        : block,
    ),
    edges,
  });
  const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
  await page.locator('.block-name').last().waitFor();
  assert.equal(await page.locator('.block img, .block script').count(), 0);
  assert.match(await page.locator('.block-name').last().innerText(), /\[U\+202E\]/);
  await page.locator('.block').last().click();
  await page.getByRole('complementary', { name: 'Block settings' }).waitFor();
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});
