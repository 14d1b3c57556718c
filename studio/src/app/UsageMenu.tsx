import { useState } from 'react';
import type { UsageReport } from '../../../client/src/index.ts';
import { Menu } from '../design/Menu.tsx';
import { messageOf } from '../store/notices.ts';
import { useStudio } from '../store/studio.ts';
import { formatCost, formatWhole } from '../text/numbers.ts';

/** Tokens and cost per model, of the whole service. */
export function UsageMenu() {
  const client = useStudio((studio) => studio.client);
  const [report, setReport] = useState<UsageReport | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = (): void => {
    setProblem(null);
    client.usage().then(setReport, (error: unknown) => setProblem(messageOf(error)));
  };
  return (
    <Menu label="Usage" icon="gauge" align="end" onOpen={load}>
      {() => (
        <>
          {problem !== null && <p className="menu-note problem">{problem}</p>}
          {problem === null && report === null && <p className="menu-note">Loading…</p>}
          {report && report.models.length === 0 && <p className="menu-note">No model was asked yet.</p>}
          {report && report.models.length > 0 && (
            <table className="usage">
              <caption>Since the beginning</caption>
              <thead>
                <tr>
                  <th scope="col">Model</th>
                  <th scope="col">Turns</th>
                  <th scope="col">Tokens</th>
                  <th scope="col">Cost</th>
                </tr>
              </thead>
              <tbody>
                {report.models.map((model) => (
                  <tr key={model.model}>
                    <th scope="row">{model.model}</th>
                    <td>{formatWhole(model.turns)}</td>
                    <td>{formatWhole(model.input_tokens + model.output_tokens)}</td>
                    <td>{model.cost_usd === null ? '–' : formatCost(Number(model.cost_usd))}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </>
      )}
    </Menu>
  );
}
