/** The ids of everything that the eval puts into a project. */
import { createHash } from 'node:crypto';

/** How these ids begin, which tells them apart from ids that the service makes. */
export const FIXED_ID = '5eed5eed';

/** The id of a thing by its name: the same in every run. */
export function fixedId(of: string): string {
  return `${FIXED_ID}-${tail(of)}`;
}

/** A UUID that depends only on the text. Its beginning is that of no fixed id. */
export function ordinalId(of: string): string {
  return `0dd0${createHash('sha256').update(of).digest('hex').slice(32, 36)}-${tail(of)}`;
}

function tail(of: string): string {
  const hex = createHash('sha256').update(of).digest('hex');
  return `${hex.slice(0, 4)}-4${hex.slice(4, 7)}-8${hex.slice(7, 10)}-${hex.slice(10, 22)}`;
}
