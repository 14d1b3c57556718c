/**
 * The two settings of both peers that matter for latency. PEER_TUNED=1 chooses the fastest that they allow; without it, they
 * are as documented.
 */
const tuned = process.env.PEER_TUNED === '1';

/** The shortest time between two polls of a subscriber. Default of the package: 100 ms. */
export const pollCooldown = tuned ? 0 : '100 milliseconds';

/** How long the model activity of openai-agents gathers events. The README of the package has 100 ms. */
export const streamingBatchInterval = tuned ? '5 milliseconds' : '100 milliseconds';
