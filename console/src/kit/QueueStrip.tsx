const PITCH = 14;
const CELL = 10;
const MOST_CELLS = 12;
const MOST_WAITING = 12;

/** A lane as a strip: a cell for each run that may work at once, filled where one does, and dots for those that wait. */
export function QueueStrip({ running, limit, queued }: { running: number; limit: number; queued: number }) {
  const cells = Math.min(Math.max(limit, running), MOST_CELLS);
  const dots = Math.min(queued, MOST_WAITING);
  const said = `${running} of ${limit} running, ${queued} waiting`;
  return (
    <span className="queue-strip">
      <svg width={(cells + dots) * PITCH + 4} height={CELL + 2} role="img" aria-label={said}>
        {Array.from({ length: cells }, (_, index) => (
          <rect
            key={`cell ${index}`}
            className={index < running ? "tone-working" : "cell-free"}
            x={index * PITCH + 1}
            y={1}
            width={CELL}
            height={CELL}
          />
        ))}
        {Array.from({ length: dots }, (_, index) => (
          <circle key={`dot ${index}`} className="tone-waiting" cx={(cells + index) * PITCH + 8} cy={CELL / 2 + 1} r={3} />
        ))}
      </svg>
      <small>{said}</small>
    </span>
  );
}
