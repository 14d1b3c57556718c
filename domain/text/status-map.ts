/** The status lines of a turn. Readers of the stream and operators see the same lines. */

export const THINKING = 'Thinking...';
export const WAITING_FOR_CONFIRMATION = 'Waiting for your confirmation...';
export const ANALYZING = 'Analyzing result...';
export const SUMMARIZING = 'Summarizing the conversation so far...';
