import { useCallback, useEffect, useRef, useState } from 'react';
import { foldEvents, initialTurnView, type TurnEvent, type TurnView } from '../../../client/src/index.ts';
import { messageOf } from '../store/notices.ts';
import { useStudio } from '../store/studio.ts';

/** The events of a turn that has ended, as the service has kept them. */
export interface TurnRecord {
  state: 'idle' | 'loading' | 'ready' | 'failed';
  events: readonly TurnEvent[];
  view: TurnView | null;
  problem: string | null;
}

const NOTHING: TurnRecord = { state: 'idle', events: [], view: null, problem: null };

/** Reads a finished turn's events on demand, once. */
export function useTurnRecord(turnId: string | null): { record: TurnRecord; load: () => void } {
  const [record, setRecord] = useState(NOTHING);
  const reading = useRef<AbortController | null>(null);
  useEffect(() => () => reading.current?.abort(), []);
  const load = useCallback(() => {
    const { client, sessionId } = useStudio.getState();
    if (turnId === null || sessionId === null || reading.current !== null) return;
    const controller = new AbortController();
    reading.current = controller;
    setRecord({ ...NOTHING, state: 'loading' });
    const read = async (): Promise<void> => {
      try {
        const { events, view } = await readTurn(
          client.events(sessionId, turnId, { signal: controller.signal }),
        );
        if (!controller.signal.aborted) setRecord({ state: 'ready', events, view, problem: null });
      } catch (error: unknown) {
        reading.current = null;
        if (!controller.signal.aborted) setRecord({ ...NOTHING, state: 'failed', problem: messageOf(error) });
      }
    };
    void read();
  }, [turnId]);
  return { record, load };
}

async function readTurn(stream: AsyncIterable<TurnEvent>): Promise<{ events: TurnEvent[]; view: TurnView }> {
  const events: TurnEvent[] = [];
  let view = initialTurnView();
  for await (const event of stream) {
    events.push(event);
    view = foldEvents(view, event);
  }
  return { events, view };
}
