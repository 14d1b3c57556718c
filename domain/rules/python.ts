/** The facts about Python code that the rules need. The parser itself is passed in from outside domain/. */

export interface InputKey {
  /** The block named in `input_data["..."]`. */
  name: string;
  /** The place of the name in the code, without its quotes, in UTF-16 units. */
  start: number;
  end: number;
  /** The literal keys after it: `["output", "total"]` of `input_data["A"]["output"]["total"]`. */
  keys: readonly string[];
  /** Whether the code goes on when the block did not run: it reads the key with a default, or checks that it is there. */
  isGuarded: boolean;
}

export interface PythonFacts {
  /** The first syntax error; null when the code parses. */
  syntaxError: { line: number; message: string } | null;
  /** The literal keys of `input_data[...]` and `input_data.get(...)` in order; empty when the code does not parse. */
  inputKeys: readonly InputKey[];
  /** Whether the code binds `output`. */
  assignsOutput: boolean;
  /** The names that nothing defines, without duplicates, in order; empty when the code does not parse. */
  undefinedNames: readonly string[];
  /** Whether the code uses the built-in `input`. It must mean `input_data`. */
  usesInput: boolean;
}

export interface PythonChecker {
  /** Never throws. Equal code gives equal facts. */
  analyze(code: string): PythonFacts;
}
