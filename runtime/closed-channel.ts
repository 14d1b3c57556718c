/**
 * Ends a call on a closed gRPC channel with a status. Such a channel throws. The client's retries do not expect that: they
 * would throw from a timer, where nothing can catch the error.
 */
import { InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js';

/** Ends a call on a closed channel as CANCELLED, which is not retried. It must come after the interceptor that retries. */
export const endOnClosedChannel: Interceptor = (options, nextCall) => {
  try {
    return new InterceptingCall(nextCall(options));
  } catch (error: unknown) {
    return endedCall(error instanceof Error ? error.message : String(error));
  }
};

function endedCall(details: string): InterceptingCall {
  const ignore = (): void => undefined;
  return new InterceptingCall({
    start(_metadata, listener) {
      // On the next tick, so that the caller has finished its start. A unary call needs a message before its status.
      process.nextTick(() => {
        listener?.onReceiveMessage?.(null);
        listener?.onReceiveStatus?.({ code: status.CANCELLED, details, metadata: new Metadata() });
      });
    },
    cancelWithStatus: ignore,
    sendMessageWithContext: ignore,
    sendMessage: ignore,
    startRead: ignore,
    halfClose: ignore,
    getPeer: () => 'nobody',
    getAuthContext: () => null,
  });
}
