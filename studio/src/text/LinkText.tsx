import type { ReactNode } from 'react';
import { namesItself, openableAddress } from './safe-link.ts';

const SHOWN_CHARS = 300;

/** A link of the model: its address always stands beside its words, and only a plain one can be opened. */
export function LinkText({ href, children }: { href: string; children: ReactNode }) {
  const address = openableAddress(href);
  const isBare = typeof children === 'string' && namesItself(children, href);
  const shown = href.length > SHOWN_CHARS ? `${href.slice(0, SHOWN_CHARS)}…` : href;
  if (address === null)
    return (
      <span className="link-blocked" title="This address is shown as text, because it may carry data">
        {!isBare && <>{children} </>}
        {href !== '' && !isBare && <bdi>({shown})</bdi>}
        {isBare && <bdi>{children}</bdi>}
      </span>
    );
  return (
    <>
      <a href={address} target="_blank" rel="noopener noreferrer nofollow">
        <bdi>{children}</bdi>
      </a>
      {!isBare && (
        <>
          {' '}
          <bdi className="link-address">({shown})</bdi>
        </>
      )}
    </>
  );
}
