/** The keys that do something everywhere. */
export const KEYS: [key: string, does: string][] = [
  ["/", "Find something by name or id"],
  ["?", "Show these keys"],
  ["Esc", "Close what is open"],
];

export function Keys() {
  return (
    <section className="find" aria-label="Keys">
      <h2>Keys</h2>
      <dl className="keys">
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Whether a key is text that somebody types. */
export const isTyped = (event: { target: EventTarget | null; ctrlKey: boolean; metaKey: boolean; altKey: boolean }) =>
  event.ctrlKey ||
  event.metaKey ||
  event.altKey ||
  (event.target instanceof HTMLElement && event.target.matches("input, textarea, select, [contenteditable]"));
