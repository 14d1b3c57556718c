/** npm run check: types, lint, format and unit tests, all at the same time. npm run test:unit: the unit tests alone. */
import { checkAll, UNIT_TESTS } from './support/checks.ts';

process.exitCode = (await checkAll(process.argv[2] === 'check' ? undefined : UNIT_TESTS)) ? 0 : 1;
