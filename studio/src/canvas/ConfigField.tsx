import { useEffect, useId, useRef, useState } from 'react';
import type { BlockTypeField, Json } from '../../../client/src/index.ts';
import { sameJson } from '../store/json.ts';
import { parseText, toText } from './field-text.ts';

/** A text of this length or with a line break gets a field of several lines. */
const LONG_TEXT = 40;
/** Names of fields that hold long text. */
const LONG_FIELDS = new Set(['code', 'system_prompt', 'input', 'sql']);

interface FieldProps {
  field: BlockTypeField;
  /** Undefined: the config does not set the field. */
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
}

/** A field of a config, with the input that its type asks for. */
export function ConfigField(props: FieldProps) {
  const { field, value } = props;
  if (field.server_owned === true) return <OwnedField {...props} />;
  if (field.type === 'boolean' && (value === undefined || typeof value === 'boolean'))
    return <BooleanField {...props} />;
  if (field.enum && (value === undefined || (typeof value === 'string' && field.enum.includes(value))))
    return <ChoiceField {...props} />;
  return <TextField {...props} />;
}

function Label({ field, htmlFor }: { field: BlockTypeField; htmlFor: string }) {
  return (
    <label htmlFor={htmlFor}>
      <bdi>{field.name}</bdi>
      {field.required && <span className="soft"> required</span>}
    </label>
  );
}

/** What the platform sets by itself. A secret among it is never shown. */
function OwnedField({ field, value }: FieldProps) {
  const isSecret = field.name.includes('secret');
  const shown = value === undefined ? 'not set yet' : isSecret ? 'set, never shown' : toText(value);
  return (
    <p className="field">
      <span>{field.name}</span>
      <span className="soft">
        {shown} · {field.description}
      </span>
    </p>
  );
}

function BooleanField({ field, value, onChange }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <span className="check">
        <input
          id={id}
          type="checkbox"
          checked={value === true}
          aria-describedby={`${id}-about`}
          onChange={(event) => onChange(event.target.checked)}
        />
        <Label field={field} htmlFor={id} />
      </span>
      <About id={id} field={field} />
    </div>
  );
}

function ChoiceField({ field, value, onChange }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <Label field={field} htmlFor={id} />
      <select
        id={id}
        value={typeof value === 'string' ? value : ''}
        aria-describedby={`${id}-about`}
        onChange={(event) => onChange(event.target.value === '' ? undefined : event.target.value)}
      >
        <option value="">not set</option>
        {(field.enum ?? []).map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
      <About id={id} field={field} />
    </div>
  );
}

function TextField({ field, value, onChange }: FieldProps) {
  const id = useId();
  const [text, setText] = useState(() => toText(value));
  /** The value that the text stands for: another one came from elsewhere, such as a step back. */
  const shown = useRef(value);
  useEffect(() => {
    if (sameJson(shown.current, value)) return;
    shown.current = value;
    setText(toText(value));
  }, [value]);
  const parsed = parseText(text, field);
  const isLong =
    LONG_FIELDS.has(field.name) ||
    field.type === 'object' ||
    field.type === 'array' ||
    text.length > LONG_TEXT ||
    text.includes('\n');
  const problem = parsed.ok
    ? parsed.value === undefined && field.required
      ? 'This is required.'
      : null
    : parsed.problem;
  const common = {
    id,
    value: text,
    dir: 'auto' as const,
    spellCheck: false,
    'aria-invalid': !parsed.ok,
    'aria-describedby': `${id}-about`,
    onChange: ({ target }: { target: { value: string } }) => {
      setText(target.value);
      const next = parseText(target.value, field);
      if (!next.ok) return;
      shown.current = next.value;
      onChange(next.value);
    },
  };
  return (
    <div className="field">
      <Label field={field} htmlFor={id} />
      {isLong ? (
        <textarea
          {...common}
          className="mono"
          rows={Math.min(12, Math.max(2, text.split('\n').length, Math.ceil(text.length / LONG_TEXT)))}
        />
      ) : (
        <input {...common} />
      )}
      <About id={id} field={field} problem={problem} />
    </div>
  );
}

function About({ id, field, problem }: { id: string; field: BlockTypeField; problem?: string | null }) {
  return (
    <p className="field-about" id={`${id}-about`}>
      {problem !== undefined && problem !== null && <span className="problem">{problem} </span>}
      <span className="soft">{field.description}</span>
    </p>
  );
}
