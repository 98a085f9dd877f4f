import { Button } from "@carbon/react";
import { Connect, Upload } from "@carbon/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { type AssetGlances, assetsQuery } from "../../../api/assets";
import { ASSET_KINDS, wordOf } from "../../../api/assetKinds";
import { CursorTable } from "../../../kit/CursorTable";
import { Empty } from "../../../kit/Empty";
import { type Chip, FilterChips } from "../../../kit/FilterChips";
import { Problem } from "../../../kit/Problem";
import { UrlSearch } from "../../../kit/UrlSearch";
import { paths } from "../../../paths";
import type { TabProps } from "../tabs";
import { assetColumns } from "./assetColumns";
import { Outputs } from "./Outputs";
import { TableSkeleton } from "../../../kit/TableSkeleton";

/** What a space holds: what people brought, and by job what runs wrote. */
export default function AssetsTab({ space }: TabProps) {
  const [search] = useSearchParams();
  const [name, type, job, start] = ["name", "type", "made_by", "start"].map((each) => search.get(each));
  const { data, error } = useQuery(assetsQuery(space, { name, asset_type: type, made_by: job, start }));
  const narrowed = Boolean(name || type || job);
  return (
    <>
      <Problem error={error} title="The assets cannot be shown" />
      {data && !job && <FilterChips name="type" chips={chips(data)} />}
      {data && job && <OfJob space={space} data={data} job={job} />}
      <div className="toolbar">
        <UrlSearch name="name" label="Find an asset" />
        <Button kind="secondary" as={Link} href={paths.newConnection(space)} renderIcon={Connect}>
          New connection
        </Button>
        <Button as={Link} href={paths.newAsset(space)} renderIcon={Upload}>
          Upload
        </Button>
      </div>
      {!data && !error && <TableSkeleton columns={5} rows={8} />}
      {data?.results.length === 0 && <NoAssets space={space} narrowed={narrowed} />}
      {data && data.results.length > 0 && (
        <CursorTable label="Assets" columns={assetColumns(space)} rows={data.results} rowKey={(asset) => asset.id} next={data.next} />
      )}
      {data && data.outputs.length > 0 && !narrowed && <Outputs space={space} groups={data.outputs} />}
    </>
  );
}

function OfJob({ space, data, job }: { space: string; data: AssetGlances; job: string }) {
  const name = data.outputs.find((group) => group.job_id === job)?.job_name;
  return (
    <p className="of-job">
      Outputs of {name ? <Link href={paths.job(space, job)}>{name}</Link> : "a job that is gone"}.{" "}
      <Link href={paths.assets(space)}>Show all assets</Link>
    </p>
  );
}

function NoAssets({ space, narrowed }: { space: string; narrowed: boolean }) {
  return narrowed ? (
    <Empty title="No asset is like that" action={<Link href={paths.assets(space)}>Show all assets</Link>} />
  ) : (
    <Empty title="Nothing here yet">
      Upload a model, a function or a script, and the data that it is to work on. Connections lead to data elsewhere.
    </Empty>
  );
}

function chips({ counts }: AssetGlances): Chip[] {
  const known = ASSET_KINDS.map((kind) => kind.type);
  const others = Object.keys(counts).filter((type) => !known.includes(type));
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [
    { value: null, label: "All", count: all },
    ...ASSET_KINDS.map(({ type, many }) => ({ value: type, label: many, count: counts[type] ?? 0 })),
    ...others.map((type) => ({ value: type, label: type === "connection" ? "Connections" : wordOf(type), count: counts[type] ?? 0 })),
  ].filter(({ value, count }) => value === null || count > 0);
}
