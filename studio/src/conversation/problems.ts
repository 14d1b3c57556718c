/** What a person can do about a failure, by its code. */
export interface Advice {
  title: string;
  advice: string;
  /** Whether sending the same again can help. */
  canRetry: boolean;
}

const ADVICE: Readonly<Record<string, Advice>> = {
  // Of a turn.
  model_auth: {
    title: 'The model refused the service’s key',
    advice:
      'Whoever runs the service must check the key of this model’s provider. Another model may work meanwhile.',
    canRetry: false,
  },
  model_quota: {
    title: 'The budget at the model’s provider is used up',
    advice: 'Raise the limit at the provider, or choose another model.',
    canRetry: false,
  },
  model_rate_limited: {
    title: 'The model takes no more requests just now',
    advice: 'Wait a minute and send the message again, or choose another model.',
    canRetry: true,
  },
  model_refused: {
    title: 'The model declined to answer',
    advice: 'Say it in other words, or choose another model.',
    canRetry: false,
  },
  model_unavailable: {
    title: 'The model could not be reached',
    advice: 'Its provider has a disturbance. Send the message again later, or choose another model.',
    canRetry: true,
  },
  model_bad_response: {
    title: 'The model’s answer could not be read',
    advice: 'Send the message again. If it happens again, choose another model.',
    canRetry: true,
  },
  context_overflow: {
    title: 'The conversation is too long for the model',
    advice: 'Begin a new conversation, or choose a model with a larger context.',
    canRetry: false,
  },
  workflow_gone: {
    title: 'The workflow is gone',
    advice: 'It was deleted while the copilot worked. Open another one.',
    canRetry: false,
  },
  internal: {
    title: 'Something went wrong in the service',
    advice: 'Send the message again. If it happens again, its log says more.',
    canRetry: true,
  },
  // Of a request.
  turn_running: {
    title: 'The copilot is still answering in this conversation',
    advice: 'You follow that answer now. Your message is kept below: send it when the answer is complete.',
    canRetry: false,
  },
  network: {
    title: 'The service can’t be reached',
    advice: 'Your message is kept. Check the connection and send it again.',
    canRetry: true,
  },
  unavailable: {
    title: 'The service can’t start an answer just now',
    advice: 'Nothing was started and your message is kept. Send it again once this is mended.',
    canRetry: true,
  },
  rate_limited: {
    title: 'A limit is reached',
    advice: 'Your message is kept. The service says which limit, and what to do.',
    canRetry: true,
  },
  too_large: {
    title: 'The message is too large with this canvas',
    advice: 'Shorten the message or the configs on the canvas.',
    canRetry: false,
  },
  bad_request: {
    title: 'The service did not take the message',
    advice: 'It says why below. Your message is kept.',
    canRetry: false,
  },
  conflict: {
    title: 'The service did not take the message',
    advice: 'Something changed meanwhile. Your message is kept: send it again.',
    canRetry: true,
  },
  not_found: {
    title: 'The conversation is gone',
    advice: 'It was deleted. Your message is kept: begin a new conversation and send it there.',
    canRetry: false,
  },
  unauthorized: {
    title: 'The key is not valid any more',
    advice: 'Your message is kept. Open the link that npm start prints, or enter another key.',
    canRetry: true,
  },
  forbidden: {
    title: 'The key may not do this',
    advice: 'Ask for a key with the right role. Your message is kept.',
    canRetry: false,
  },
};

const UNKNOWN: Advice = {
  title: 'That did not work',
  advice: 'Try it again. If it happens again, the service’s log says more.',
  canRetry: true,
};

/** The advice for a code of a turn or of a request. */
export function adviceFor(code: string | null): Advice {
  return code !== null && Object.hasOwn(ADVICE, code) ? ADVICE[code]! : UNKNOWN;
}
