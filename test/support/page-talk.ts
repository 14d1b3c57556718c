/** What the browser tests do with the conversation again and again. */
import type { Locator, Page } from 'playwright-core';

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
