/** The words a person reads while a turn works. The same for every reader and for the operators' view. */

export const THINKING = 'Thinking...';
export const WAITING_FOR_CONFIRMATION = 'Waiting for your confirmation...';
export const ANALYZING = 'Analyzing result...';
export const SUMMARIZING = 'Summarizing the conversation so far...';
