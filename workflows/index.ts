export { chatTurn } from './chat-turn.ts';
export { retention } from './retention.ts';
