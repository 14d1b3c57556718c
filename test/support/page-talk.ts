/** What the browser tests do with the conversation again and again. */
import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import type { TurnSystem } from './turn-system.ts';

export function conversation(page: Page): Locator {
  return page.getByRole('region', { name: 'Conversation' });
}

export function messageBox(page: Page): Locator {
  return page.getByRole('textbox', { name: 'Message' });
}

export function cancelButton(page: Page): Locator {
  return page.getByRole('button', { name: 'Cancel turn' });
}

/** Writes a message and sends it by Enter. */
export async function say(page: Page, text: string): Promise<void> {
  await messageBox(page).fill(text);
  await messageBox(page).press('Enter');
}

/** Waits until the status line says so. */
export async function untilStatus(page: Page, text: string, timeout = 30_000): Promise<void> {
  await page.getByRole('status').getByText(text).waitFor({ timeout });
}

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `word${index} `);

/** A script that says so many words; the last one waits for `release`. */
export function holding(system: TurnSystem, name: string, count: number): { release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  system.scripts.set(name, () => ({ text: words(count), holdEnd: promise }));
  return { release: resolve };
}

/** The words of the newest answer, as they stand on the page. */
export async function shownWords(page: Page): Promise<string[]> {
  const text = (await page.locator('.message-answer').last().locator('.markdown').textContent()) ?? '';
  return text.trim().split(/\s+/);
}

/** Waits for the end of a turn, and checks that its answer has so many words, without a gap or a double. */
export async function untilAnswered(page: Page, count: number): Promise<void> {
  await untilStatus(page, 'Answer complete');
  assert.deepEqual(
    await shownWords(page),
    words(count).map((word) => word.trim()),
  );
}
