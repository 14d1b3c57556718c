/**
 * The floor: a Koa handler that pipes the model server's stream to SSE, and nothing else. No log, no database, no
 * workflow: what it streams is lost when anything dies. In a process of its own. Prints its address.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import OpenAI from 'openai';

const openai = new OpenAI({ apiKey: 'none', baseURL: process.env.OPENAI_BASE_URL, maxRetries: 0 });
const app = new Koa();
app.on('error', (_error, ctx: Koa.Context) => ctx.res.destroy());
app.use(async (ctx) => {
  const chunks: Buffer[] = [];
  for await (const chunk of ctx.req) chunks.push(chunk as Buffer);
  const { message } = JSON.parse(Buffer.concat(chunks).toString()) as { message: string };
  ctx.respond = false;
  ctx.res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  const events = await openai.responses.create({
    model: 'gpt-5.2',
    input: [{ role: 'user', content: message }],
    stream: true,
    store: false,
  });
  for await (const event of events) {
    if (event.type === 'response.output_text.delta')
      ctx.res.write(`data: ${JSON.stringify({ event: 'content_delta', delta: event.delta })}\n\n`);
  }
  ctx.res.end(`data: ${JSON.stringify({ event: 'complete' })}\n\n`);
});
const server = createServer({ noDelay: true }, (request, response) => void app.callback()(request, response));
server.listen(0, '127.0.0.1', () =>
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`),
);
