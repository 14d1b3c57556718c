/** The conversation: messages, the running turn, the composer. */
export function Conversation() {
  return (
    <div className="empty">
      <h2>Conversation</h2>
    </div>
  );
}
