/** Thrown when a query is refused. The message and the hint are for the model. */
export class SqlRefusal extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.name = 'SqlRefusal';
    this.code = code;
    this.hint = hint;
  }
}
