import { useStudio } from '../store/studio.ts';

/** The canvas: the workflow as a graph. */
export function Canvas() {
  const graph = useStudio((studio) => studio.graph);
  return (
    <div className="empty">
      <h2>Canvas</h2>
      <p>{graph ? `${graph.blocks.length} blocks` : 'Nothing is loaded.'}</p>
    </div>
  );
}
