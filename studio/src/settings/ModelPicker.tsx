import { useEffect, useState } from 'react';
import type { ModelOption, ModelSettings } from '../../../client/src/index.ts';
import { messageOf } from '../store/notices.ts';
import { useStudio } from '../store/studio.ts';
import { labelOf, missingFor } from './providers.ts';

/** Which model answers, from the next turn on. Those whose key the service lacks can't be chosen, and say what is missing. */
export function ModelPicker() {
  const client = useStudio((studio) => studio.client);
  const notify = useStudio((studio) => studio.notify);
  const [settings, setSettings] = useState<ModelSettings | null>(null);
  const [isSaving, setSaving] = useState(false);
  useEffect(() => {
    client.settings.get().then(setSettings, (error: unknown) => notify('problem', messageOf(error)));
  }, [client, notify]);
  const choose = async (model: string): Promise<void> => {
    if (!settings || isSaving || model === settings.model) return;
    setSaving(true);
    setSettings({ ...settings, model });
    try {
      await client.settings.setModel(model);
    } catch (error: unknown) {
      setSettings(settings);
      notify('problem', `The model was not changed: ${messageOf(error)}`);
    } finally {
      setSaving(false);
    }
  };
  const groups = Map.groupBy(settings?.options ?? [], ({ provider }) => provider);
  const chosen = settings?.options.find(({ value }) => value === settings.model);
  return (
    <select
      className="model-picker"
      aria-label="Model"
      aria-busy={settings === null || isSaving}
      title={
        chosen && !chosen.available
          ? missingFor(chosen.provider)
          : 'The model that answers, from the next turn on'
      }
      value={settings?.model ?? ''}
      onChange={(event) => void choose(event.target.value)}
    >
      {settings === null && <option value="">Model…</option>}
      {settings && !chosen && <option value={settings.model}>{settings.model}</option>}
      {[...groups].map(([provider, options]) => (
        <optgroup key={provider} label={groupLabel(provider, options)}>
          {options.map(({ label, value, available }) => (
            <option key={value} value={value} disabled={!available}>
              {label}
              {available ? '' : ` (${missingFor(provider)})`}
            </option>
          ))}
        </optgroup>
      ))}
    </select>
  );
}

function groupLabel(provider: ModelOption['provider'], options: ModelOption[]): string {
  const isMissing = options.every(({ available }) => !available);
  return isMissing ? `${labelOf(provider)}: ${missingFor(provider)}` : labelOf(provider);
}
