/** npm run build: builds the Studio page, for an image or a deployment without the build tool. */
import { buildStudio } from './build-studio.ts';

const result = await buildStudio();
if (!result.ok) {
  console.error(`The page could not be built: ${result.reason}`);
  process.exit(1);
}
console.log(result.built ? 'The page is built: studio/dist' : 'The page is up to date: studio/dist');
