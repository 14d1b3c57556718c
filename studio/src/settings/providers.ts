/** How the providers are called, and which setting of the service makes their models available. */
const PROVIDERS: ReadonlyMap<string, { label: string; setting: string }> = new Map([
  ['openai', { label: 'OpenAI', setting: 'OPENAI_API_KEY' }],
  ['anthropic', { label: 'Anthropic', setting: 'ANTHROPIC_API_KEY' }],
  ['openai-compatible', { label: 'Own server', setting: 'OPENAI_BASE_URL' }],
  ['demo', { label: 'Demo', setting: 'no key' }],
]);

export function labelOf(provider: string): string {
  return PROVIDERS.get(provider)?.label ?? provider;
}

/** What the service lacks for a provider's models. */
export function missingFor(provider: string): string {
  return `needs ${PROVIDERS.get(provider)?.setting ?? 'a key'}`;
}
