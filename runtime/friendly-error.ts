import { codeOf } from '../contracts/thrown-codes.ts';

/** Thrown for a failure that the person at the console can correct. The message says what is wrong and what to do. */
export class FriendlyError extends Error {
  readonly code = 'FRIENDLY';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FriendlyError';
  }
}

/** Throws a FriendlyError for a known file system error in a folder. Rethrows any other error. */
export function explainFileError(error: unknown, folder: string): never {
  const code = codeOf(error);
  if (code === 'ENOSPC')
    throw new FriendlyError(
      `The disk that holds ${folder} is full. Free some space (about 500 MB), then start again.`,
      { cause: error },
    );
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    throw new FriendlyError(
      `${folder} can't be written. Give this user the right to, or name another folder with COPILOT_DATA_DIR.`,
      { cause: error },
    );
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    throw new FriendlyError(`${folder} is not a folder. Name another folder with COPILOT_DATA_DIR.`, {
      cause: error,
    });
  }
  throw error;
}

/**
 * Creates a handler that turns a listen error into a FriendlyError, which says what to do. It rethrows other errors.
 * `setting` is the variable of an address that HOST and PORT do not set.
 */
export function explainListen(config: { host: string; port: number }, setting?: string) {
  const otherPort =
    setting === undefined
      ? 'choose another port: PORT=4601 npm start (PORT=0 picks a free one)'
      : `choose another port in ${setting}`;
  return (error: unknown): never => {
    const code = codeOf(error);
    if (code === 'EADDRINUSE') {
      throw new FriendlyError(
        `Port ${config.port} of ${config.host} is taken by another program. Stop it, or ${otherPort}.`,
        { cause: error },
      );
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new FriendlyError(
        `This user can't listen on ${config.host}:${config.port}. Set ${setting ?? 'HOST and PORT'} to an address of this machine.`,
        { cause: error },
      );
    }
    throw error;
  };
}
