import { FriendlyError } from '../runtime/friendly-error.ts';

/** Returns a handler that turns a listen error into a FriendlyError, which says what to do. It rethrows other errors. */
export function explainListen(config: { host: string; port: number }) {
  return (error: unknown): never => {
    const { code } = error as { code?: unknown };
    if (code === 'EADDRINUSE') {
      throw new FriendlyError(
        `Port ${config.port} of ${config.host} is taken by another program. Stop it, or choose another port: PORT=4601 npm start (PORT=0 picks a free one).`,
        { cause: error },
      );
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new FriendlyError(
        `This user can't listen on ${config.host}:${config.port}. Set HOST and PORT to an address of this machine.`,
        { cause: error },
      );
    }
    throw error;
  };
}
