/** The setting of the model that the copilot runs on. */
import { z } from 'zod';

export const modelOption = z
  .object({
    label: z.string(),
    value: z.string(),
    provider: z.string(),
    available: z.boolean().meta({ description: 'Whether its key is configured.' }),
  })
  .meta({
    id: 'ModelOption',
    example: { label: 'GPT-5.2', value: 'gpt-5.2', provider: 'openai', available: true },
  });

export const modelAnswer = z
  .object({
    model: z.string().meta({ description: 'The model of the next turn.' }),
    default: z.string(),
    options: z.array(modelOption),
  })
  .meta({ id: 'ModelSetting' });

export const modelRequest = z
  .object({
    model: z
      .unknown()
      .refine((model) => model !== undefined && model !== null && model !== '', {
        error: 'model is required',
      })
      .meta({ type: 'string', description: 'One of the options.' }),
  })
  .meta({ id: 'ModelChoice', example: { model: 'gpt-5.2' } });

export const modelChosenAnswer = z
  .object({
    ok: z.literal(true),
    model: z.string(),
    available: z.boolean().meta({ description: 'False: chats answer 503 until its key is there.' }),
  })
  .meta({ id: 'ModelChosen', example: { ok: true, model: 'gpt-5.2', available: true } });
