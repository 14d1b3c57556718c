/** What the rules need to know of a code block. A real parser stands behind it; this room only asks. */

export interface InputKey {
  /** The block named in `input_data["..."]`. */
  name: string;
  /** Where the name stands in the code, in UTF-16 units, without its quotes. */
  start: number;
  end: number;
}

export interface PythonFacts {
  /** The first syntax error; null when the code parses. */
  syntaxError: { line: number; message: string } | null;
  /** Literal keys of `input_data[...]` and `input_data.get(...)`, in their order; empty when the code does not parse. */
  inputKeys: readonly InputKey[];
  /** Whether anything binds `output`. */
  assignsOutput: boolean;
  /** Whether the built-in `input` is used, where `input_data` must be meant. */
  usesInput: boolean;
}

export interface PythonChecker {
  /** Never throws. Equal code gives equal facts. */
  analyze(code: string): PythonFacts;
}
