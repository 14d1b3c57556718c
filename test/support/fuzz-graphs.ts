/** Arbitraries of canvases, graphs and stored diffs. Most values are valid. */
import fc from 'fast-check';
import { blockTypes } from '../../domain/rules/block-registry.ts';
import { anyObject, anyValue, hostileText } from './fuzz-values.ts';

const position = fc.record({
  x: fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
  y: fc.integer({ min: -1e6, max: 1e6 }),
});
const type = fc.constantFrom(...blockTypes.map((known) => known.type));
const config = fc.oneof(
  fc.constant({}),
  fc.record({ code: hostileText, language: fc.constant('python') }),
  anyObject,
);
const NAMES = ['Start', 'Work', 'Work #2', 'End'];
const name = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((text) => `${text}x`),
);
/** A valid value most of the time, any value otherwise. */
const loosely = (good: fc.Arbitrary<unknown>) => fc.oneof({ weight: 8, arbitrary: good }, anyValue);
const edgesOf = (ids: readonly string[]) =>
  fc.array(
    fc.record(
      {
        source: loosely(fc.constantFrom(...ids)),
        target: loosely(fc.constantFrom(...ids)),
        sourceHandle: loosely(fc.constantFrom('output', null, 'if', 'else', '1')),
      },
      { requiredKeys: ['source', 'target'] },
    ),
    { maxLength: 4 },
  );
const flatNode = (id: string) =>
  fc.record({ id: fc.constant(id), type, name: fc.constant(id), position, config });
const goodCanvas = fc.record({
  nodes: fc.subarray(NAMES).chain((ids) => fc.tuple(...ids.map(flatNode))),
  edges: fc.constant([]),
});
const oddCanvas = fc.record({
  nodes: loosely(
    fc.array(
      fc.oneof(
        fc.record(
          {
            id: loosely(fc.constantFrom(...NAMES)),
            type: loosely(type),
            name: loosely(hostileText),
            position: loosely(position),
            config: loosely(config),
          },
          { requiredKeys: ['id'] },
        ),
        fc.record({
          id: loosely(fc.uuid()),
          data: loosely(fc.record({ blockType: type, label: hostileText, config })),
          position,
        }),
      ),
      { maxLength: 5 },
    ),
  ),
  edges: loosely(edgesOf(NAMES)),
});
/** A canvas, as an editor sends it in workflow_state and pre_snapshot. */
export const canvas = fc.oneof(goodCanvas, oddCanvas);
/** A graph, as PUT graph takes it. */
export const graph: fc.Arbitrary<{ blocks: unknown; edges: unknown }> = fc
  .array(fc.uuid(), { minLength: 1, maxLength: 4 })
  .chain((ids) => {
    const blocks = fc.tuple(
      ...ids.map((id) =>
        fc.record({ id: fc.constant(id), type, name, position, config, enabled: fc.boolean() }),
      ),
    );
    return fc.oneof(
      fc.record({ blocks, edges: fc.constant([]) }),
      fc.record({ blocks: loosely(blocks), edges: loosely(edgesOf(ids)) }),
    );
  });
const addedBlocks = fc.array(
  fc.record({ id: fc.uuid(), type: fc.constant('code'), name: hostileText, config: anyObject }),
  { maxLength: 2 },
);
/** A diff as the platform may have stored it: valid, or any values under the right keys. */
export const storedDiff = fc.oneof(
  fc.constant(null),
  fc.record({ add_blocks: addedBlocks }),
  fc.record(
    {
      add_blocks: fc.oneof(addedBlocks, anyValue),
      update_blocks: fc.oneof(fc.constant([{ id: 'Start', config: { a: 1 } }]), anyValue),
      remove_edges: anyValue,
      remove_blocks: fc.oneof(fc.constant([]), fc.array(anyValue, { maxLength: 2 })),
    },
    { requiredKeys: [] },
  ),
);
