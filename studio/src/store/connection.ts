import { type CopilotClient, createCopilotClient } from '../../../client/src/index.ts';
import type { SliceCreator } from './slice.ts';

/** The tab's own storage: the key ends with the tab. */
const STORED_KEY = 'copilot-key';

export interface ConnectionSlice {
  client: CopilotClient;
  /** `missing`: none was given yet. `refused`: the service did not take the last one. */
  keyState: 'missing' | 'given' | 'refused';
  /** Takes a key that a person or the link gives; every request that waits for one goes on with it. */
  giveKey: (key: string) => void;
}

/** The key from the link's fragment, which leaves the address at once, or the one that this tab has kept. */
function findKey(): string | null {
  const fromLink = new URLSearchParams(location.hash.slice(1)).get('key');
  if (fromLink !== null) {
    history.replaceState(history.state, '', location.pathname + location.search);
    if (fromLink !== '') sessionStorage.setItem(STORED_KEY, fromLink);
  }
  return sessionStorage.getItem(STORED_KEY);
}

/** The way to the service. A request without a usable key waits until one is given, so that nothing typed is lost. */
export const createConnectionSlice: SliceCreator<ConnectionSlice> = (set) => {
  let key = findKey();
  let waiting: ((key: string) => void)[] = [];
  const getToken = (refused?: boolean): string | Promise<string> => {
    if (key !== null && refused !== true) return key;
    if (refused === true) {
      key = null;
      sessionStorage.removeItem(STORED_KEY);
    }
    set({ keyState: refused === true ? 'refused' : 'missing' });
    return new Promise((resolve) => waiting.push(resolve));
  };
  return {
    client: createCopilotClient({ baseUrl: location.origin, getToken }),
    keyState: key === null ? 'missing' : 'given',
    giveKey(given) {
      key = given;
      sessionStorage.setItem(STORED_KEY, given);
      const resolvers = waiting;
      waiting = [];
      set({ keyState: 'given' });
      for (const resolve of resolvers) resolve(given);
    },
  };
};
