/**
 * The client's types are written by hand, so that they hold no zod. They are held to the schemas that check requests, shape
 * answers and make the OpenAPI document: the compiler refuses this file when one of them differs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import type * as Client from '../../../client/src/index.ts';
import type { TurnEvent, TurnEventName } from '../../../contracts/events.ts';
import type { auditAnswer } from '../../../contracts/http/audit.ts';
import type { blockTypesAnswer } from '../../../contracts/http/block-types.ts';
import type { messageListAnswer, appliedAnswer } from '../../../contracts/http/messages.ts';
import type {
  newestSessionAnswer,
  newSessionAnswer,
  sessionListAnswer,
} from '../../../contracts/http/sessions.ts';
import type { modelAnswer, modelChosenAnswer } from '../../../contracts/http/settings.ts';
import type { decisionAnswer, turnAnswer } from '../../../contracts/http/turns.ts';
import type { usageAnswer } from '../../../contracts/http/usage.ts';
import type {
  newWorkflowAnswer,
  saveGraphAnswer,
  workflowAnswer,
  workflowListAnswer,
} from '../../../contracts/http/workflows.ts';

/** Every key is there, and says whether it may be absent: of two such types each takes the other only where they are the same. */
type Exact<T> = T extends readonly (infer Item)[]
  ? Exact<Item>[]
  : T extends object
    ? string extends keyof T
      ? T
      : { [Key in keyof T]-?: object extends Pick<T, Key> ? ['optional', Exact<T[Key]>] : Exact<T[Key]> }
    : T;
type Same<A, B> = [Exact<A>] extends [Exact<B>] ? ([Exact<B>] extends [Exact<A>] ? true : false) : false;
/** The platform may have stored a config that is no object. The client calls every config an object, as the service does. */
type ObjectConfigs<T extends { blocks: { config: Client.Json }[] }> = Omit<T, 'blocks'> & {
  blocks: (Omit<T['blocks'][number], 'config'> & { config: Client.JsonObject })[];
};
type Applied = z.infer<typeof appliedAnswer>;
type AppliedWorkflow = Omit<Applied, 'workflow'> & { workflow: ObjectConfigs<Applied['workflow']> };
type Event<Name extends TurnEventName> = Omit<Extract<Client.TurnEvent, { event: Name }>, 'seq'>;
type Answer<Method extends (...args: never[]) => unknown> = Awaited<ReturnType<Method>>;
type Of = Client.CopilotClient;

const events: {
  [Name in TurnEventName]: Name extends TurnEventName
    ? Same<Event<Name>, Extract<TurnEvent, { event: Name }>>
    : never;
} = {
  start: true,
  status: true,
  reasoning_delta: true,
  content_delta: true,
  content_reset: true,
  tool_call: true,
  tool_result: true,
  confirmation_required: true,
  confirmation_resolved: true,
  complete: true,
  error: true,
};
const answers: [
  Same<Client.TurnEvent['event'], TurnEventName>,
  Same<Answer<Of['workflows']['list']>, z.infer<typeof workflowListAnswer>>,
  Same<Answer<Of['workflows']['create']>, z.infer<typeof newWorkflowAnswer>>,
  Same<Answer<Of['workflows']['get']>, ObjectConfigs<z.infer<typeof workflowAnswer>>>,
  Same<Answer<Of['workflows']['saveGraph']>, z.infer<typeof saveGraphAnswer>>,
  Same<Answer<Of['blockTypes']>, z.infer<typeof blockTypesAnswer>>,
  Same<Answer<Of['sessions']['create']>, z.infer<typeof newSessionAnswer>>,
  Same<Answer<Of['sessions']['list']>, z.infer<typeof sessionListAnswer>>,
  Same<Answer<Of['sessions']['newest']>, z.infer<typeof newestSessionAnswer>>,
  Same<Answer<Of['sessions']['messages']>, z.infer<typeof messageListAnswer>>,
  Same<Answer<Of['settings']['get']>, z.infer<typeof modelAnswer>>,
  Same<Answer<Of['settings']['setModel']>, z.infer<typeof modelChosenAnswer>>,
  Same<Answer<Of['usage']>, z.infer<typeof usageAnswer>>,
  Same<Answer<Of['audit']>, z.infer<typeof auditAnswer>>,
  Same<Answer<Of['snapshot']>, AppliedWorkflow>,
  Same<Answer<Of['revert']>, AppliedWorkflow>,
  Same<Answer<Of['turn']>, z.infer<typeof turnAnswer>>,
  Same<Answer<Of['confirm']>, z.infer<typeof decisionAnswer>>,
] = [
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
  true,
];

test('the types of events and answers are those of the schemas', () => {
  // The compiler has judged; this keeps the two in use.
  assert.ok([...Object.values(events), ...answers].every(Boolean));
});
