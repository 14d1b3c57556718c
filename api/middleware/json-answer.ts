/** Writes answers as JSON inside the error middleware. When Koa's own writing failed, its answer would be plain text. */
import type { Middleware } from 'koa';
import { isContainer } from '../../domain/text/json.ts';

/** Replaces an object in `ctx.body` by its JSON text. */
export function createJsonAnswerMiddleware(): Middleware {
  return async function jsonAnswer(ctx, next) {
    await next();
    const { body } = ctx;
    if (ctx.respond !== false && isPlain(body)) ctx.body = stringify(body);
  };
}

function isPlain(body: unknown): body is object {
  if (!isContainer(body)) return false;
  const prototype: unknown = Object.getPrototypeOf(body);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

/** The JSON text of a value of any depth. Stored values may nest deeper than JSON.stringify can go. */
export function stringify(value: object): string {
  try {
    return JSON.stringify(value);
  } catch (error: unknown) {
    if (!(error instanceof RangeError)) throw error;
    return stringifyDeep(value);
  }
}

/** A piece of finished text, or a value that must still be written. */
type Task = { text: string } | { value: unknown };

function stringifyDeep(root: unknown): string {
  const written: string[] = [];
  const tasks: Task[] = [{ value: root }];
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    if ('text' in task) written.push(task.text);
    else if (Array.isArray(task.value)) pushList(tasks, task.value);
    else if (isContainer(task.value) && isPlain(task.value)) pushObject(tasks, task.value);
    else written.push(JSON.stringify(task.value) ?? 'null');
  }
  return written.join('');
}

/** The tasks of a container in reverse order, because they are taken from the end of the list. */
function pushList(tasks: Task[], list: readonly unknown[]): void {
  tasks.push({ text: ']' });
  for (let index = list.length - 1; index >= 0; index -= 1)
    tasks.push({ value: list[index] }, { text: index === 0 ? '' : ',' });
  tasks.push({ text: '[' });
}

function pushObject(tasks: Task[], object: object): void {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  tasks.push({ text: '}' });
  for (const [index, [key, value]] of entries.toReversed().entries())
    tasks.push({ value }, { text: `${index === entries.length - 1 ? '' : ','}${JSON.stringify(key)}:` });
  tasks.push({ text: '{' });
}
