import { Add, WarningAltFilled } from "@carbon/icons-react";
import { Button, Tag } from "@carbon/react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { LISTED, type Schemas, useRead } from "../../api";
import { type Column, count, Empty, List, Muted, Named, Page, Time, useParams, words } from "../../kit";
import { paths } from "../../paths";

const MOST_FAILED = 100;

/** Which spaces there are, what goes on in each, and what needs somebody. */
export default function SpacesPage() {
  const list = useRead("/v2/space_summaries", useParams("start"), LISTED);
  const create = <Button as={Link} href={paths.newSpace} renderIcon={Add}>New space</Button>;
  const empty = (
    <Empty title="You are in no space yet" action={create}>
      A space holds models and data, deployments of them, and the jobs that run them.
    </Empty>
  );
  return (
    <Page title="Deployment spaces" actions={create}>
      {list.data && <Attention spaces={list.data} />}
      <List label="Deployment spaces" of={list} problem="The spaces cannot be shown" skeleton={5} columns={COLUMNS} empty={empty} />
    </Page>
  );
}

const COLUMNS: Column<Schemas["SpaceGlance"]>[] = [
  {
    header: "Name",
    cell: ({ id, name, paused, description }) => (
      <Named to={paths.jobs(id)} name={name} about={description}>{paused && <Tag size="sm">Paused</Tag>}</Named>
    ),
  },
  { header: "Running", numeric: true, cell: ({ id, running }) => <Count of={running} to={paths.jobs(id, "running")} /> },
  { header: "Queued", numeric: true, cell: ({ id, queued }) => <Count of={queued} to={paths.jobs(id, "queued")} /> },
  {
    header: "Failed in 24 h",
    numeric: true,
    cell: ({ id, failed }) => (
      <span className={failed > 0 ? "bad" : ""}><Count of={failed} most={MOST_FAILED} to={paths.jobs(id, "failing")} /></span>
    ),
  },
  {
    header: "Next run",
    cell: ({ next_tick: next }) => (next ? <><Time at={next.at} /><small>{next.name}</small></> : <Muted>None</Muted>),
  },
  { header: "My role", cell: ({ role }) => words(role) },
];

const Count = ({ of, to, most = Number.POSITIVE_INFINITY }: { of: number; to: string; most?: number }) =>
  of === 0 ? "0" : <Link href={to}>{of >= most ? `${most}+` : count(of)}</Link>;

const MOST_OF_A_SPACE = 5;

/** What needs somebody, across all spaces on the page; nothing where all is well. */
function Attention({ spaces }: { spaces: Schemas["SpaceGlances"] }) {
  const found = [...ofAll(spaces), ...spaces.results.flatMap(ofSpace)];
  if (found.length === 0) return null;
  return (
    <section className="attention" aria-labelledby="attention">
      <h2 id="attention"><WarningAltFilled aria-hidden /> Needs attention</h2>
      <ul>{found.map(([key, text]) => <li key={key}>{text}</li>)}</ul>
    </section>
  );
}

type Item = [key: string, text: ReactNode];

function ofAll({ workers, has_credential, results }: Schemas["SpaceGlances"]): Item[] {
  const items: Item[] = [];
  if (workers === 0) items.push(["workers", "No worker is alive: nothing that waits will start."]);
  if (!has_credential && results.length > 0)
    items.push(["credential", <>You have no task credential, and your runs need one. <Link href={paths.profile}>Your profile</Link> makes it.</>]);
  return items;
}

function ofSpace(space: Schemas["SpaceGlance"]): Item[] {
  const items: Item[] = space.failing.slice(0, MOST_OF_A_SPACE).map((job) => [
    job.job_id,
    <><Link href={paths.job(space.id, job.job_id)}>{job.name}</Link> in {space.name} fails, last <Time at={job.at} />.</>,
  ]);
  const more = space.failing.length - MOST_OF_A_SPACE;
  if (more > 0) items.push([`${space.id} more`, <Link href={paths.jobs(space.id, "failing")}>{more} more jobs fail in {space.name}</Link>]);
  if (space.late > 0)
    items.push([`${space.id} late`, <Link href={paths.jobs(space.id, "late")}>{space.late} late in {space.name}</Link>]);
  if (space.paused && space.queued > 0)
    items.push([`${space.id} paused`, <>{space.name} is paused, and {space.queued} runs wait.</>]);
  return items;
}
