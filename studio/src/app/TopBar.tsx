import { Icon } from '../design/Icon.tsx';
import { Menu } from '../design/Menu.tsx';
import { useStudio } from '../store/studio.ts';
import type { Theme } from '../store/view.ts';
import { ModelPicker } from '../settings/ModelPicker.tsx';
import mark from '../design/mark.svg';
import { UsageMenu } from './UsageMenu.tsx';
import { WorkflowMenu } from './WorkflowMenu.tsx';

/** The bar at the top: which workflow, which model, what it cost, how the page looks. */
export function TopBar() {
  return (
    <header className="topbar">
      <img className="topbar-mark" src={mark} alt="" />
      <h1 className="hidden-text">Workflow Copilot</h1>
      <WorkflowMenu />
      <span className="topbar-space" />
      <ModelPicker />
      <UsageMenu />
      <ThemeMenu />
    </header>
  );
}

const THEMES = [
  ['system', 'As the system', 'contrast'],
  ['light', 'Light', 'sun'],
  ['dark', 'Dark', 'moon'],
] as const satisfies readonly (readonly [Theme, string, string])[];

function ThemeMenu() {
  const theme = useStudio((studio) => studio.theme);
  const setTheme = useStudio((studio) => studio.setTheme);
  const icon = THEMES.find(([name]) => name === theme)?.[2] ?? 'contrast';
  return (
    <Menu label="Theme" icon={icon} align="end">
      {(close) =>
        THEMES.map(([name, label, themeIcon]) => (
          <button
            key={name}
            type="button"
            className="menu-item"
            aria-current={theme === name}
            onClick={() => {
              setTheme(name);
              close();
            }}
          >
            <Icon name={themeIcon} />
            <span className="grow">{label}</span>
          </button>
        ))
      }
    </Menu>
  );
}
