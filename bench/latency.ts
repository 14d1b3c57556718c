/** What durability adds to the wait for the first token, and to each piece after it. */
import type { BenchSystem } from './bench-system.ts';
import { chatWithBare, chatWithProduct, makeSessions, type Reading } from './chat-reader.ts';
import type { Answer } from './model-server.ts';
import { percentile, printTable, round } from './stats.ts';

const SHORT: Answer = { pieces: 10, pieceMs: 20, toolSteps: 0 };
/** 50 tokens a second for six seconds. */
const LONG: Answer = { pieces: 300, pieceMs: 20, toolSteps: 0 };
const AT_ONCE = 25;

async function crowd(system: BenchSystem, answer: Answer): Promise<{ product: Reading[]; bare: Reading[] }> {
  const sessions = await makeSessions(system.ready, AT_ONCE);
  const bare = await Promise.all(sessions.map(() => chatWithBare(system.bareUrl, answer)));
  const product = await Promise.all(sessions.map((id) => chatWithProduct(system.ready, id, answer)));
  return { product, bare };
}

/** Time to the first token: one turn after the other, and 25 at once. */
export async function benchFirstToken(system: BenchSystem): Promise<void> {
  const single = { product: [] as number[], bare: [] as number[] };
  const sessions = await makeSessions(system.ready, 110);
  for (const [n, session] of sessions.entries()) {
    const bare = await chatWithBare(system.bareUrl, SHORT);
    const product = await chatWithProduct(system.ready, session, SHORT);
    if (n < 10) continue; // warming up
    single.bare.push(bare.firstTokenMs);
    single.product.push(product.firstTokenMs);
  }
  const many = { product: [] as number[], bare: [] as number[] };
  for (let round = 0; round < 24; round += 1) {
    const { product, bare } = await crowd(system, SHORT);
    if (round < 4) continue; // warming up
    many.product.push(...product.map((reading) => reading.firstTokenMs));
    many.bare.push(...bare.map((reading) => reading.firstTokenMs));
  }
  printTable(
    'Time to first token (ms)',
    ['turns at once', 'percentile', 'bare', 'product', 'added', 'ratio', 'target added'],
    [
      row('1', 0.5, single, '25'),
      row('1', 0.99, single, ''),
      row('25', 0.5, many, ''),
      row('25', 0.99, many, '80'),
    ],
  );
}

/** From the model server to the reader: 25 turns with 50 tokens a second each. */
export async function benchDelta(system: BenchSystem): Promise<void> {
  const all = { product: [] as number[], bare: [] as number[] };
  for (let round = 0; round < 4; round += 1) {
    const { product, bare } = await crowd(system, LONG);
    if (round === 0) continue; // warming up
    // The first second is the start of 25 turns, which is the other benchmark.
    all.product.push(...product.flatMap((reading) => reading.deltaMs.slice(50)));
    all.bare.push(...bare.flatMap((reading) => reading.deltaMs.slice(50)));
  }
  printTable(
    'Model server to reader, per piece (ms)',
    ['turns at once', 'percentile', 'bare', 'product', 'added', 'ratio', 'target added'],
    [row('25', 0.5, all, '10'), row('25', 0.9, all, ''), row('25', 0.99, all, '')],
  );
}

function row(
  turns: string,
  share: number,
  { product, bare }: { product: number[]; bare: number[] },
  target: string,
): string[] {
  const [p, b] = [percentile(product, share), percentile(bare, share)];
  return [turns, `p${share * 100}`, round(b), round(p), round(p - b), round(p / b), target];
}
