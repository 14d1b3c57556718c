import type { StateCreator } from 'zustand';
import type { Studio } from './studio.ts';

/** Makes a slice's part of the store; it sees the whole. */
export type SliceCreator<Slice> = StateCreator<Studio, [], [], Slice>;
