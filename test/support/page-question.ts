/** A question of the copilot on the page. */
import type { Locator, Page } from 'playwright-core';
import { say } from './page-talk.ts';
import type { TurnSystem } from './turn-system.ts';

let created = 0;

/** Has the copilot ask whether it may create an agent; gives the agent's name. */
export async function askForAgent(page: Page, system: TurnSystem): Promise<string> {
  created += 1;
  const name = `Support ${created}`;
  const data = { name, model: 'gpt-5.2', system_prompt: 'You are Support.\nBe brief.' };
  system.scripts.set(`Make${created}`, (step) =>
    step === 0
      ? {
          text: ['I ask you.'],
          toolCalls: [{ name: 'manage_project_asset', arguments: { action: 'create', kind: 'agent', data } }],
        }
      : { text: ['Settled.'] },
  );
  await say(page, `Make${created} an agent`);
  await confirmationCard(page).getByText(`Create the agent "${name}".`).waitFor();
  return name;
}

export function confirmationCard(page: Page): Locator {
  return page.getByRole('region', { name: 'Confirmation' });
}

export async function hasAgent(system: TurnSystem, name: string): Promise<boolean> {
  const rows = await system.db.withSchema('ai').table('agents').where({ name });
  return rows.length > 0;
}
