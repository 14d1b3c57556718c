/**
 * What happens to a call on a gRPC channel that was closed. The channel throws, which the client's own retries do not
 * expect: they would throw from a timer, where nobody can catch it.
 */
import { InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js';

/** Must stand behind the interceptor that repeats calls. Ends a call on a closed channel as CANCELLED, which is not repeated. */
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
      // A caller finishes the beginning of its call first, and a unary call hears of a message before its status.
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
