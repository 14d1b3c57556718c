/** The page of GET /docs. It has no inline script or style, so that its policy can forbid both. */

/** The policy: everything comes from this origin, nothing is inline, and no other page may frame this one. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>The API of the workflow copilot</title>
    <link rel="icon" href="/docs/favicon.png">
    <link rel="stylesheet" href="/docs/viewer.css">
  </head>
  <body>
    <div id="viewer"></div>
    <noscript><p>This page needs scripts. The description itself: <a href="/api/openapi.json">/api/openapi.json</a></p></noscript>
    <script src="/docs/viewer.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** Starts the viewer. `validatorUrl` keeps it from asking another server. A token that is typed in stays in the page. */
export const START = `SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#viewer',
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;
