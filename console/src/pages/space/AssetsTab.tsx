import { Button, Tag } from "@carbon/react";
import { Connect, Upload } from "@carbon/icons-react";
import { Link } from "wouter";
import { ASSET_KINDS, LISTED, type Schemas, useRead, wordOf } from "../../api";
import {
  bytes, type Chip, type Column, count, counted, CursorTable, Empty, FilterChips, List, Muted, Named, Section, Time, UrlSearch, useParams,
} from "../../kit";
import { paths } from "../../paths";
import type { TabProps } from "./SpacePage";
import { Trash } from "./Trash";

type AssetGlance = Schemas["AssetGlance"];
type AssetGlances = Schemas["AssetGlances"];

const NOTHING = "Upload a model, a function or a script, and the data that it is to work on. Connections lead to data elsewhere.";

/** What a space holds: what people brought, and by job what runs wrote. */
export default function AssetsTab({ space }: TabProps) {
  const { name, type, made_by: job, start, view } = useParams("name", "type", "made_by", "start", "view");
  const list = useRead("/v2/asset_summaries", { space_id: space, limit: 50, name, asset_type: type, made_by: job, start }, LISTED);
  const narrowed = Boolean(name || type || job || view);
  const { data } = list;
  const of = data?.outputs.find((group) => group.job_id === job)?.job_name;
  return (
    <>
      {data && !job && <FilterChips name="type" chips={chips(data)} />}
      {data && job && (
        <p className="lead">
          Outputs of {of ? <Link href={paths.job(space, job)}>{of}</Link> : "a job that is gone"}.{" "}
          <Link href={paths.assets(space)}>Show all assets</Link>
        </p>
      )}
      <FilterChips name="view" label="View" chips={[[null, "Assets"], ["trash", "Trash"]]} />
      <div className="toolbar">
        <UrlSearch name="name" label="Find an asset" />
        <Button kind="secondary" as={Link} href={paths.newConnection(space)} renderIcon={Connect}>New connection</Button>
        <Button as={Link} href={paths.newAsset(space)} renderIcon={Upload}>Upload</Button>
      </div>
      {view === "trash" ? <Trash space={space} /> : <List
        label="Assets"
        of={list}
        problem="The assets cannot be shown"
        skeleton={8}
        columns={columns(space)}
        empty={
          narrowed
            ? <Empty title="No asset is like that" action={<Link href={paths.assets(space)}>Show all assets</Link>} />
            : <Empty title="Nothing here yet">{NOTHING}</Empty>
        }
      />}
      {data && data.outputs.length > 0 && !narrowed && (
        <Section title="Outputs of runs">
          <CursorTable label="Outputs of runs" columns={outputColumns(space)} rows={data.outputs} rowKey={(group) => group.job_id} />
        </Section>
      )}
    </>
  );
}

function chips({ counts }: AssetGlances): Chip[] {
  const known = ASSET_KINDS.map(({ type, many }): [string, string] => [type, many]);
  const others = Object.keys(counts).filter((type) => !ASSET_KINDS.some((kind) => kind.type === type));
  const all = Object.values(counts).reduce((sum, number) => sum + number, 0);
  return [
    [null, "All", all],
    ...[...known, ...others.map((type): [string, string] => [type, type === "connection" ? "Connections" : wordOf(type)])]
      .map(([type, label]): Chip => [type, label, counts[type] ?? 0])
      .filter(([, , number]) => number),
  ];
}

const columns = (space: string): Column<AssetGlance>[] => [
  {
    header: "Name",
    cell: ({ id, asset_type: type, name, description }) => (
      <Named to={type === "connection" ? paths.connection(space, id) : paths.asset(space, id)} name={name} about={description} />
    ),
  },
  {
    header: "Kind",
    cell: ({ asset_type: type, input_fields: fields }) => (
      <>{wordOf(type)} {fields !== null && <Tag size="sm">{counted(fields, "column")}</Tag>}</>
    ),
  },
  { header: "Size", numeric: true, cell: ({ size }) => (size ? bytes(size) : <Muted>-</Muted>) },
  { header: "Revision", numeric: true, cell: ({ revision }) => revision || <Muted>-</Muted> },
  {
    header: "Used by",
    cell: ({ deployments, jobs }) =>
      [deployments && counted(deployments, "deployment"), jobs && counted(jobs, "job")].filter(Boolean).join(", ") || <Muted>Nothing</Muted>,
  },
  { header: "Made", cell: (asset) => <Made space={space} asset={asset} /> },
];

const Made = ({ space, asset: { made_by: maker, created_at: at } }: { space: string; asset: AssetGlance }) => (
  <>
    <Time at={at} />
    {maker && (
      <small>by {maker.run_name ? <Link href={paths.run(space, maker.job_id, maker.run_id)}>{maker.run_name}</Link> : "a run that is gone"}</small>
    )}
  </>
);

/** What runs wrote, a line for each job, so that it is not strewn among what people brought. */
const outputColumns = (space: string): Column<Schemas["OutputsGlance"]>[] => [
  {
    header: "Job",
    cell: ({ job_id: job, job_name: name }) => <Link href={paths.assets(space, { made_by: job })}>{name ?? "A job that is gone"}</Link>,
  },
  { header: "Outputs", numeric: true, cell: ({ number }) => count(number) },
  { header: "Size", numeric: true, cell: ({ size }) => bytes(size) },
  { header: "Newest", cell: ({ newest_at: at }) => <Time at={at} /> },
];
