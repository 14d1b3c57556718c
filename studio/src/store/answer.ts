/** What was answered here, in this tab. */
export interface Answer {
  approved: boolean;
  /** `lost`: somebody or something else had decided before. */
  state: 'sending' | 'taken' | 'lost' | 'failed';
  problem: string | null;
}
