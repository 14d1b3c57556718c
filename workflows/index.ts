export { chatTurn } from './chat-turn.ts';
