import { useState } from "react";
import { type RunNode, runPath, type RunRef } from "../../api";
import { duration, lookOf, Section } from "../../kit";

const WIDTH = 168;
const HEIGHT = 48;
const GAP_X = 48;
const GAP_Y = 20;
const LETTERS = 20;

/** The words of the graph, in those of runs, so that both look the same. */
const STATES: Record<string, string> = { waiting: "Queued", running: "Running", completed: "Completed", failed: "Failed", canceled: "Canceled" };
const WORDS: Record<string, string> = { skipped: "Skipped", waiting: "Waiting" };
const look = ({ state }: RunNode) => lookOf(STATES[state] ?? "");
const wordOf = (node: RunNode) => (node.kept ? "Kept" : (WORDS[node.state] ?? look(node).word));

/** A flow's nodes and what each waits for; the list below says the same in words, with causes and logs. */
export function FlowGraph({ of, nodes }: { of: RunRef; nodes: RunNode[] }) {
  const places = layOut(nodes);
  const [hovered, setHovered] = useState<string | null>(null);
  const width = Math.max(...[...places.values()].map(({ x }) => x)) + WIDTH + 2;
  const height = Math.max(...[...places.values()].map(({ y }) => y)) + HEIGHT + 2;
  const failed = nodes.filter(({ state }) => state === "failed").length;
  return (
    <Section title="Nodes">
      <div className="graph" tabIndex={0} role="group" aria-label="Graph of the nodes">
        <svg width={width} height={height} role="img" aria-label={`${nodes.length} nodes, ${failed || "none"} failed`}>
          {nodes.flatMap(({ id, after }) => after.map((from) => <Edge key={`${from} ${id}`} from={places.get(from)} to={places.get(id)} />))}
          {nodes.map((node) => <Box key={node.id} node={node} at={places.get(node.id)} lit={hovered === node.id} hover={setHovered} />)}
        </svg>
      </div>
      <ul>
        {nodes.map((node) => (
          <li key={node.id}>
            <strong>{node.label}</strong> {wordOf(node)}
            {node.started_at && node.finished_at && `, ${duration((Date.parse(node.finished_at) - Date.parse(node.started_at)) / 1000)}`}
            {node.cause && <span className="cause">: {node.cause.message}</span>}{" "}
            {node.started_at && <a href={`${runPath(of)}/nodes/${node.id}/log`}>{`Log of ${node.label}`}</a>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

type Place = { x: number; y: number };

/** A column for each step away from the beginning; within one, the order in which the nodes run. */
function layOut(nodes: RunNode[]): Map<string, Place> {
  const depth = new Map<string, number>();
  const taken: number[] = [];
  const places = new Map<string, Place>();
  for (const { id, after } of nodes) {
    const column = Math.max(0, ...after.map((before) => (depth.get(before) ?? 0) + 1));
    const row = taken[column] ?? 0;
    depth.set(id, column);
    taken[column] = row + 1;
    places.set(id, { x: column * (WIDTH + GAP_X) + 1, y: row * (HEIGHT + GAP_Y) + 1 });
  }
  return places;
}

function Edge({ from, to }: { from: Place | undefined; to: Place | undefined }) {
  if (!from || !to) return null;
  const [x, y, end, low] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  return <path className="edge" d={`M${x} ${y} C${x + GAP_X / 2} ${y} ${end - GAP_X / 2} ${low} ${end} ${low}`} />;
}

function Box({ node, at, lit, hover }: { node: RunNode; at: Place | undefined; lit: boolean; hover: (id: string | null) => void }) {
  if (!at) return null;
  const label = node.label.length > LETTERS ? `${node.label.slice(0, LETTERS - 1)}…` : node.label;
  return (
    <g
      transform={`translate(${at.x} ${at.y})`}
      className={lit ? "node lit" : "node"}
      onMouseEnter={() => hover(node.id)}
      onMouseLeave={() => hover(null)}
    >
      <title>{node.label}</title>
      <rect className="node-box" width={WIDTH} height={HEIGHT} />
      <rect className={`tone-${look(node).tone}`} width={6} height={HEIGHT} />
      <text x={14} y={20}>{label}</text>
      <text x={14} y={38} className="node-state">{wordOf(node)}</text>
    </g>
  );
}
