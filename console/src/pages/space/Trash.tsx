import { type Asset, LISTED, send, useChange, useRead, wordOf } from "../../api";
import { type Column, Empty, List, Problem, SmallButton, useParams } from "../../kit";

/** What was deleted, until it is removed for good: each asset can be had back. */
export function Trash({ space }: { space: string }) {
  const { start } = useParams("start");
  const list = useRead("/v2/trashed_assets", { space_id: space, limit: 50, start }, LISTED);
  const back = useChange((id: string) => send("POST", `/v2/trashed_assets/${id}/restore`, { space_id: space }), "/v2/");
  const columns: Column<Asset>[] = [
    { header: "Name", cell: ({ metadata: { name } }) => name },
    { header: "Kind", cell: ({ metadata: { asset_type: type } }) => wordOf(type) },
    {
      header: "Actions",
      cell: ({ metadata: { asset_id: id, name } }) => <SmallButton about={name} onClick={() => back.mutate(id)}>Restore</SmallButton>,
    },
  ];
  return (
    <>
      <Problem error={back.error} title="It was not restored" />
      <List
        label="Trash"
        of={list}
        problem="The trash cannot be shown"
        columns={columns}
        rowKey={({ metadata }) => metadata.asset_id}
        empty={<Empty title="The trash is empty">What is deleted comes here first, and can be had back.</Empty>}
      />
    </>
  );
}
