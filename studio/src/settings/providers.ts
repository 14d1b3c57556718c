import type { ModelOption } from '../../../client/src/index.ts';

/** How the providers are called, and which setting of the service makes their models available. */
export const PROVIDERS: Readonly<Record<ModelOption['provider'], { label: string; setting: string }>> = {
  openai: { label: 'OpenAI', setting: 'OPENAI_API_KEY' },
  anthropic: { label: 'Anthropic', setting: 'ANTHROPIC_API_KEY' },
  'openai-compatible': { label: 'Own server', setting: 'OPENAI_BASE_URL' },
  demo: { label: 'Demo', setting: 'no key at all' },
};

/** What the service lacks for a provider's models. */
export function missingFor(provider: ModelOption['provider']): string {
  return `needs ${PROVIDERS[provider].setting}`;
}
