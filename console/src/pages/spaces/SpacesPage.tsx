import { Button, Tag } from "@carbon/react";
import { Add } from "@carbon/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { type SpaceGlance, spacesQuery } from "../../api/spaces";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { Empty } from "../../kit/Empty";
import { Page } from "../../kit/Page";
import { Problem } from "../../kit/Problem";
import { Time } from "../../kit/Time";
import { paths } from "../../paths";
import { Attention } from "./Attention";
import { TableSkeleton } from "../../kit/TableSkeleton";

const MOST_FAILED = 100;

/** Which spaces there are, what goes on in each, and what needs somebody. */
export default function SpacesPage() {
  const [search] = useSearchParams();
  const { data, error } = useQuery(spacesQuery(search.get("start")));
  return (
    <Page title="Deployment spaces" actions={<NewSpace />}>
      <Problem error={error} title="The spaces cannot be shown" />
      {!data && !error && <TableSkeleton columns={COLUMNS.length} rows={5} />}
      {data && <Attention spaces={data} />}
      {data?.results.length === 0 && (
        <Empty title="You are in no space yet" action={<NewSpace />}>
          A space holds models and data, deployments of them, and the jobs that run them.
        </Empty>
      )}
      {data && data.results.length > 0 && (
        <CursorTable label="Deployment spaces" columns={COLUMNS} rows={data.results} rowKey={(row) => row.id} next={data.next} />
      )}
    </Page>
  );
}

function NewSpace() {
  return (
    <Button as={Link} href={paths.newSpace} renderIcon={Add}>
      New space
    </Button>
  );
}

const COLUMNS: Column<SpaceGlance>[] = [
  {
    header: "Name",
    cell: (space) => (
      <>
        <Link href={paths.jobs(space.id)}>{space.name}</Link> {space.paused && <Tag size="sm">Paused</Tag>}
        {space.description && <small>{space.description}</small>}
      </>
    ),
  },
  { header: "Running", numeric: true, cell: (space) => <Count of={space.running} to={paths.jobs(space.id, "running")} /> },
  { header: "Queued", numeric: true, cell: (space) => <Count of={space.queued} to={paths.jobs(space.id, "queued")} /> },
  {
    header: "Failed in 24 h",
    numeric: true,
    cell: (space) => (
      <span className={space.failed > 0 ? "bad" : ""}>
        <Count of={space.failed} most={MOST_FAILED} to={paths.jobs(space.id, "failing")} />
      </span>
    ),
  },
  { header: "Next run", cell: (space) => <Next space={space} /> },
  { header: "My role", cell: (space) => space.role.replace("_", " ") },
];

function Count({ of, to, most = Number.POSITIVE_INFINITY }: { of: number; to: string; most?: number }) {
  if (of === 0) return <>0</>;
  return <Link href={to}>{of >= most ? `${most}+` : of.toLocaleString("en")}</Link>;
}

function Next({ space }: { space: SpaceGlance }) {
  if (!space.next_tick) return <span className="muted">None</span>;
  return (
    <>
      <Time at={space.next_tick.at} />
      <small>{space.next_tick.name}</small>
    </>
  );
}
