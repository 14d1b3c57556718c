/** Thrown when a query is not of a kind that runs here. The message is for the model. */
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
