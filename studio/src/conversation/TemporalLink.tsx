import { useEffect, useState } from 'react';
import { useStudio } from '../store/studio.ts';

/** A link to the turn in the Temporal UI. Shows nothing while the address is unknown. */
export function TemporalLink({ turnId }: { turnId: string }) {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    const { client, sessionId } = useStudio.getState();
    if (sessionId === null) return;
    const controller = new AbortController();
    client
      .turn(sessionId, turnId, { signal: controller.signal })
      .then(({ temporal_url: url }) => setAddress(url))
      // The link is an extra: a turn that cannot be read shows its failure elsewhere.
      .catch(() => setAddress(null));
    return () => controller.abort();
  }, [turnId]);
  if (address === null) return null;
  return (
    <p className="soft">
      <a href={address} target="_blank" rel="noopener noreferrer">
        Open in the Temporal UI
      </a>
    </p>
  );
}
