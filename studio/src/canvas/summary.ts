import { type Block, type BlockType, type Json, visibleText } from '../../../client/src/index.ts';
import { showJson } from '../store/json.ts';

const MAX_CHARS = 120;
/** Of these fields, the first that is set tells most about a block. */
const TELLING = ['url', 'code', 'system_prompt', 'input', 'output', 'operation', 'branches', 'agent_id'];

/** One line of a block's config. */
export function summarizeConfig({ config }: Block, type: BlockType | undefined): string {
  const names = [
    ...TELLING,
    ...(type?.config ?? []).filter(({ server_owned: owned }) => owned !== true).map(({ name }) => name),
    ...Object.keys(config),
  ];
  const name = names.find((field) => Object.hasOwn(config, field) && isTelling(config[field]));
  if (name === undefined) return '';
  const owned = type?.config.find((field) => field.name === name)?.server_owned === true;
  return owned ? '' : `${name}: ${oneLine(config[name])}`;
}

function isTelling(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== '' && value !== false;
}

function oneLine(value: Json | undefined): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : showJson(value);
  return visibleText(text.slice(0, MAX_CHARS * 2).replaceAll(/\s+/g, ' ')).slice(0, MAX_CHARS);
}
