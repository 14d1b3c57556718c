/** Finds the open questions without a scan of all confirmations, each time that `/metrics` is read. */
export const indexes = [
  {
    name: 'copilot_confirmations_open_idx',
    table: 'copilot_confirmations',
    on: '(asked_at) where decision is null',
  },
];
