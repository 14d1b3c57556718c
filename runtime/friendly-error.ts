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
  const { code } = (error ?? {}) as { code?: unknown };
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
