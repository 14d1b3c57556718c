import type { StudioState } from './files.ts';

/** The page that a browser shows while the Studio is being built, or when it could not be built. */
export function explainMissingPage(studio: Exclude<StudioState, { state: 'built' }>): string {
  const failed = studio.state === 'failed';
  const title = failed ? 'The page could not be built' : 'The page is being built';
  const text = failed
    ? `The API works. Mend what the build says, then run <code>npm run build</code>.</p><pre>${escapeHtml(studio.reason)}</pre>`
    : 'It appears here by itself. Where nothing builds it, run <code>npm run build</code>.</p>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
${failed ? '' : '<meta http-equiv="refresh" content="2">\n'}<title>${title}</title>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${text}
</main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[char]!,
  );
}
