/** The kinds of answers: what a handler gives, how it is written, and what the description says of it. */
import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import type { z } from 'zod';
import type { ApiDeps } from '../deps.ts';
import { openStream, type StreamRequest } from '../event-stream/open-stream.ts';

export interface AnswerKind<Body> {
  status: number;
  /** Null: there is no body. */
  contentType: string | null;
  /** The schema of the body; of a stream, of one event. Null: the body is no JSON. */
  schema: z.ZodType | null;
  /** Where the schema's own says too little. */
  description?: string;
  /** Headers that a reader may rely on, beside those of every answer. */
  headers?: readonly string[];
  /** Further answers without a body, and what they mean. */
  also?: Readonly<Record<number, string>>;
  write(ctx: Context, body: Body, deps: ApiDeps): void;
}

/** A value, written as JSON. */
export function json<S extends z.ZodType>(status: number, schema: S): AnswerKind<z.input<S>> {
  return {
    status,
    contentType: 'application/json',
    schema,
    write(ctx, body) {
      ctx.body = body;
    },
  };
}

/** JSON text that somebody else wrote, such as the database. It is sent as it is, and never parsed. */
export function jsonText(schema: z.ZodType): AnswerKind<string> {
  return {
    status: 200,
    contentType: 'application/json',
    schema,
    write(ctx, body) {
      ctx.type = 'json';
      ctx.body = body;
    },
  };
}

/** The event stream of a turn. */
export function eventStream(schema: z.ZodType): AnswerKind<StreamRequest> {
  return {
    status: 200,
    contentType: 'text/event-stream',
    schema,
    description: 'The stream, until the turn ends: the JSON of each `data:` line is one event.',
    headers: ['X-Turn-Id'],
    write(ctx, body, { hub }) {
      openStream(ctx, hub, body);
    },
  };
}

/** Bytes that do not change while the process lives. */
export interface Asset {
  bytes: Buffer;
  etag: string;
}

/** Makes an asset of its content. */
export function toAsset(content: string | Buffer): Asset {
  const bytes = Buffer.from(content);
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url')}"` };
}

/** An asset. A reader that has it already gets 304. */
export function asset(contentType: string, schema: z.ZodType | null = null): AnswerKind<Asset> {
  return {
    status: 200,
    contentType,
    schema,
    headers: ['ETag'],
    also: { 304: 'The reader has it already.' },
    write(ctx, { bytes, etag }) {
      ctx.set({ ETag: etag, 'Cache-Control': 'no-cache' });
      if (ctx.fresh) {
        ctx.status = 304;
        return;
      }
      ctx.type = contentType;
      ctx.body = bytes;
    },
  };
}

/** 204: no body. */
export const nothing: AnswerKind<null> = {
  status: 204,
  contentType: null,
  schema: null,
  write: () => undefined,
};

/** What a handler returns. Only `answer`, which knows the route's answers, makes one. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  write(ctx: Context, deps: ApiDeps): void;
}
