/** The frame of the page: the key, the address, the divider, the tabs, the theme. */
import assert from 'node:assert/strict';
import { describeInBrowser, findBarriers } from '../support/browser.ts';
import { signToken } from '../support/test-api.ts';

const { browserTest } = describeInBrowser();

browserTest('the key leaves the address at once and stays in the tab', async ({ open }) => {
  const { page, takeProblems } = await open();
  await page.getByRole('region', { name: 'Canvas' }).waitFor();
  assert.doesNotMatch(page.url(), /key=/);
  await page.reload();
  await page.getByRole('region', { name: 'Canvas' }).waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
  const stored = await page.evaluate<string>('JSON.stringify(Object.entries(localStorage))');
  assert.doesNotMatch(stored, /eyJ/);
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('without a key the page asks for one, and goes on with it', async ({ open, system }) => {
  const { workflowId } = await system.newSession();
  const { page } = await open({ withKey: false, path: `/?workflow=${workflowId}` });
  const dialog = page.getByRole('dialog', { name: 'A key is needed' });
  await dialog.waitFor();
  assert.deepEqual(await findBarriers(page), []);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  assert.ok(await dialog.isVisible(), 'there is nothing behind it without a key');
  await dialog.getByRole('textbox', { name: 'Key' }).fill('no token');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'The key is not valid any more' }).waitFor();
  await page.getByRole('textbox', { name: 'Key' }).fill(await signToken());
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Workflow: Flow' }).waitFor();
  await page.context().close();
});

browserTest(
  'a link opens its workflow; the list opens another and makes a new one',
  async ({ open, system }) => {
    const { workflowId } = await system.newSession();
    const other = await system.call('POST', '/api/workflows', { name: 'Other flow' });
    const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
    await page.getByRole('button', { name: 'Workflow: Flow' }).click();
    await page.getByRole('button', { name: 'Other flow' }).click();
    await page.getByRole('button', { name: 'Workflow: Other flow' }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('workflow'), other.body.id);
    await page.goBack();
    await page.getByRole('button', { name: 'Workflow: Flow' }).click();
    await page.getByLabel('Name of the new workflow').fill('Made here');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Workflow: Made here' }).waitFor();
    assert.deepEqual(takeProblems(), []);
    await page.context().close();
  },
);

browserTest('the divider moves by keyboard and pointer, and keeps its place', async ({ open }) => {
  const { page } = await open();
  const divider = page.getByRole('separator', { name: 'Width of the conversation' });
  const width = async (): Promise<number> =>
    (await page.getByRole('region', { name: 'Conversation' }).boundingBox())?.width ?? 0;
  await divider.focus();
  const before = await width();
  await page.keyboard.press('ArrowLeft');
  assert.equal(await width(), before + 24);
  const box = await divider.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 3, box.y + 200);
  await page.mouse.down();
  await page.mouse.move(box.x - 97, box.y + 200);
  await page.mouse.up();
  const wide = await width();
  assert.ok(wide > before + 100);
  await page.reload();
  await divider.waitFor();
  assert.equal(await width(), wide);
  await page.context().close();
});

browserTest('a narrow page shows one pane at a time', async ({ open }) => {
  const { page } = await open({ viewport: { width: 390, height: 800 } });
  const canvas = page.getByRole('region', { name: 'Canvas' });
  const conversation = page.getByRole('region', { name: 'Conversation' });
  await conversation.waitFor();
  assert.equal(await canvas.isVisible(), false);
  await page.getByRole('tab', { name: 'Conversation' }).focus();
  await page.keyboard.press('ArrowLeft');
  await canvas.waitFor();
  assert.equal(await conversation.isVisible(), false);
  assert.deepEqual(await findBarriers(page), []);
  assert.ok(
    await page.evaluate<boolean>(
      'document.documentElement.scrollWidth <= document.documentElement.clientWidth',
    ),
  );
  await page.context().close();
});

for (const colorScheme of ['light', 'dark'] as const)
  browserTest(`nothing stands in the way of anyone, ${colorScheme}`, async ({ open }) => {
    const { page, takeProblems } = await open({ colorScheme });
    await page.getByRole('region', { name: 'Canvas' }).waitFor();
    assert.deepEqual(await findBarriers(page), []);
    assert.deepEqual(takeProblems(), []);
    await page.context().close();
  });

browserTest('the theme follows the system or the choice', async ({ open }) => {
  const { page } = await open({ colorScheme: 'light' });
  const background = (): Promise<string> =>
    page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  const light = await background();
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('button', { name: 'Dark' }).click();
  assert.notEqual(await background(), light);
  await page.reload();
  await page.getByRole('button', { name: 'Theme' }).waitFor();
  assert.notEqual(await background(), light);
  await page.context().close();
});
