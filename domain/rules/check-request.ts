/** The rules on the requests of general_api blocks (rule 21). */
import type { JsonObject } from '../text/json-value.ts';
import { type Report, TEMPLATE } from './report.ts';

/** Only the beginning of a URL is checked: scheme and host are short, and patterns are slow on a text of megabytes. */
const MAX_URL_CHARS = 10_000;

/** Checks the URL and the body of a request. */
export function checkRequest(config: JsonObject, report: Report): void {
  const { url, body, body_type: bodyType } = config;
  if (typeof url === 'string' && url.trim() !== '') checkUrl(url.trim().slice(0, MAX_URL_CHARS), report);
  if (
    typeof body === 'string' &&
    body.trim() !== '' &&
    bodyType === 'json' &&
    !TEMPLATE.test(body) &&
    !isJson(body)
  )
    report('invalid_config/body', 'body', body, {});
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function checkUrl(url: string, report: Report): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const rest = url.replace(/^[a-z][a-z0-9+.-]*:\/*/i, '');
  if (scheme === undefined && TEMPLATE.test(url.slice(0, 300)) && /^[<{$]/.test(url)) {
    report('url_template_host', 'url', url, {});
    return;
  }
  if (scheme !== 'http' && scheme !== 'https') {
    const hasHost = scheme === undefined && /^(?:\/\/)?[\w-]+(?:\.[\w-]+)+(?:[:/?#]|$)/.test(url);
    const whole = `https://${url.replace(/^\/\//, '')}`;
    if (hasHost && url.length <= 2_000)
      report('url_scheme/corrected', 'url', url, { write: JSON.stringify({ url: whole }) });
    else if (scheme === undefined) report('url_scheme', 'url', url, {});
    else report('url_scheme/other', 'url', url, { scheme });
    return;
  }
  const authority = /^(?:<[^<>\n]*>|\{\{[^{}\n]*\}\}|\$\{[^{}\n]*\}|[^/?#<{$])*/.exec(rest)?.[0] ?? '';
  if (TEMPLATE.test(authority)) {
    report('url_template_host', 'url', url, {});
    return;
  }
  const host = hostOf(`${scheme}://${authority}`);
  if (host === null) report('url_scheme/no_address', 'url', url, {});
  else if (isPrivateHost(host)) report('url_private_host', 'url', url, { host });
}

/** The host as a client would understand it: `0x7f.1` is 127.0.0.1. */
function hostOf(origin: string): string | null {
  try {
    return new URL(origin).hostname;
  } catch {
    return null;
  }
}

function isPrivateHost(host: string): boolean {
  const name = host.replace(/\.$/, '').toLowerCase();
  return (
    /^(?:localhost|.+\.localhost|.+\.local|.+\.internal|.+\.lan|.+\.home\.arpa)$/.test(name) ||
    /^(?:0|10|127)\.\d+\.\d+\.\d+$/.test(name) ||
    /^(?:169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.\d+(?:\.\d+)?$/.test(
      name,
    ) ||
    /^\[(?:::1?|f[cde][0-9a-f]{2}:.*|fe[89ab][0-9a-f]:.*|::ffff:.*)\]$/.test(name) ||
    !/[.:]/.test(name)
  );
}
