import { Tag } from "@carbon/react";
import { Link } from "wouter";
import type { AssetGlance } from "../../../api/assets";
import { wordOf } from "../../../api/assetKinds";
import { bytes, counted } from "../../../kit/bytes";
import type { Column } from "../../../kit/CursorTable";
import { Time } from "../../../kit/Time";
import { paths } from "../../../paths";

export const assetColumns = (space: string): Column<AssetGlance>[] => [
  {
    header: "Name",
    cell: (asset) => (
      <>
        <Link href={addressOf(space, asset)}>{asset.name}</Link>
        {asset.description && <small>{asset.description}</small>}
      </>
    ),
  },
  {
    header: "Kind",
    cell: (asset) => (
      <>
        {wordOf(asset.asset_type)}{" "}
        {asset.input_fields !== null && <Tag size="sm">{counted(asset.input_fields, "column")}</Tag>}
      </>
    ),
  },
  { header: "Size", numeric: true, cell: (asset) => (asset.size ? bytes(asset.size) : <span className="muted">-</span>) },
  { header: "Revision", numeric: true, cell: (asset) => asset.revision || <span className="muted">-</span> },
  { header: "Used by", cell: (asset) => <UsedBy asset={asset} /> },
  { header: "Made", cell: (asset) => <Made space={space} asset={asset} /> },
];

const addressOf = (space: string, { id, asset_type: type }: AssetGlance) =>
  type === "connection" ? paths.connection(space, id) : paths.asset(space, id);

function UsedBy({ asset: { deployments, jobs } }: { asset: AssetGlance }) {
  const users = [deployments && counted(deployments, "deployment"), jobs && counted(jobs, "job")].filter(Boolean);
  return users.length > 0 ? <>{users.join(", ")}</> : <span className="muted">Nothing</span>;
}

function Made({ space, asset: { made_by: maker, created_at: at } }: { space: string; asset: AssetGlance }) {
  return (
    <>
      <Time at={at} />
      {maker && (
        <small>
          by {maker.run_name ? <Link href={paths.run(space, maker.job_id, maker.run_id)}>{maker.run_name}</Link> : "a run that is gone"}
        </small>
      )}
    </>
  );
}
