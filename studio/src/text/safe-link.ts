const MAX_HOST_CHARS = 60;
const MAX_LABEL_CHARS = 24;
const MAX_PATH_CHARS = 80;
const MAX_SEGMENT_CHARS = 32;

/**
 * The address that a link of the model may open, or null. A model that read hostile text could hide data of the project in an
 * address: only short, plain addresses without query, fragment or escapes can be opened. The others stay text.
 */
export function openableAddress(href: string): string | null {
  if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return null;
  const url = new URL(href);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return null;
  const labels = url.hostname.split('.');
  if (url.hostname.length > MAX_HOST_CHARS || labels.some((label) => label.length > MAX_LABEL_CHARS))
    return null;
  // An address in another script than it seems to be.
  if (labels.some((label) => label.startsWith('xn--'))) return null;
  if (url.pathname.length > MAX_PATH_CHARS || !/^[\w\-./~@+]*$/.test(url.pathname)) return null;
  return url.pathname.split('/').some((segment) => segment.length > MAX_SEGMENT_CHARS) ? null : url.href;
}

/** Whether a link's words are its address, so that it need not stand beside them. */
export function namesItself(text: string, href: string): boolean {
  const plain = (address: string): string => address.trim().replace(/\/$/, '');
  return plain(text) === plain(href);
}
