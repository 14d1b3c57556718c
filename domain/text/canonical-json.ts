export { canonicalJson } from './json-text.ts';
