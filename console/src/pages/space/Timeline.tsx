import { Link } from "wouter";
import { LISTED, type Query, type Schemas, useRead } from "../../api";
import { absolute, type Column, counted, List, lookOf } from "../../kit";
import { paths } from "../../paths";

type Lane = Schemas["JobLane"];
type Span = Pick<Schemas["JobLanes"], "since" | "now" | "until">;

const WIDTH = 1000;
const HEIGHT = 20;
const LEAST = 3;

/** What ran in the past 12 hours and what will in the next, a lane a job: what meets in the same minute is seen. */
export function Timeline({ space, asked }: { space: string; asked: Query }) {
  const list = useRead("/v2/job_timelines", { space_id: space, limit: 50, hours: 12, ...asked }, LISTED);
  return <List label="Timeline" of={list} problem="The timeline cannot be shown" skeleton={8} columns={list.data ? columns(space, list.data) : []} />;
}

const columns = (space: string, span: Span): Column<Lane>[] => [
  { header: "Name", cell: ({ id, name }) => <Link href={paths.job(space, id)}>{name}</Link> },
  { header: `${clock(span.since)} | now: ${clock(span.now)} | ${clock(span.until)}`, cell: (lane) => <Picture lane={lane} span={span} /> },
];

const clock = (at: string) => new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(Date.parse(at));

/** Runs as bars from begin to end, ticks to come as lines; one picture, of which the sentence says what matters. */
function Picture({ lane, span }: { lane: Lane; span: Span }) {
  const [since, until] = [Date.parse(span.since), Date.parse(span.until)];
  const x = (at: string | null) => (WIDTH * (Math.max(Date.parse(at ?? span.now), since) - since)) / (until - since);
  return (
    <svg className="timeline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={sentence(lane)}>
      {lane.runs.map(({ id, state, started_at: begun, finished_at: ended }) => (
        <rect key={id} className={`tone-${lookOf(state).tone}`} x={x(begun)} width={Math.max(x(ended) - x(begun), LEAST)} height={HEIGHT}>
          <title>{`${lookOf(state).word}, ${absolute(Date.parse(begun ?? span.now))}`}</title>
        </rect>
      ))}
      {lane.ticks.map((at) => <line key={at} className="tick" x1={x(at)} x2={x(at)} y2={HEIGHT}><title>{absolute(Date.parse(at))}</title></line>)}
      <line className="now" x1={WIDTH / 2} x2={WIDTH / 2} y2={HEIGHT} />
    </svg>
  );
}

function sentence({ runs, ticks, cut }: Lane): string {
  const failed = runs.filter(({ state }) => state === "Failed").length;
  const [next] = ticks;
  const coming = next ? `${counted(ticks.length, "tick")} to come, the next at ${absolute(Date.parse(next))}` : "none is to come";
  return `${counted(runs.length, "run")}, ${failed || "none"} failed; ${coming}${cut ? "; and more than is shown" : ""}`;
}
