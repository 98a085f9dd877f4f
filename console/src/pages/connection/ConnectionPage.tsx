import { Button } from "@carbon/react";
import { useMutation } from "@tanstack/react-query";
import { Link } from "wouter";
import { FIXED, send, useRead } from "../../api";
import { ConfirmDelete, Copy, duration, type Fact, Facts, Notice, Page, Problem, Time, useSpaceCrumbs } from "../../kit";
import { paths } from "../../paths";
import { useUses, Uses, UsesSection } from "../asset/parts";
import { Browser } from "./Browser";

type Tried = { ok: boolean; message: string; seconds: number };

export const useDatasourceTypes = () => useRead("/v2/datasource_types", { connection_properties: true }, FIXED);

/** A connection: whether it works, what is behind it, and what uses it. Its secrets are not shown to anybody. */
export default function ConnectionPage({ space, connection: id }: { space: string; connection: string }) {
  const { data, error } = useRead("/v2/connections/{connection_id}", { connection_id: id, space_id: space });
  const { data: types } = useDatasourceTypes();
  const crumbs = useSpaceCrumbs(space, paths.assets(space, { type: "connection" }));
  const tried = useMutation({ mutationFn: () => send<Tried>("POST", `/v2/connections/${id}/test`, { space_id: space }) });
  const type = types?.resources.find(({ metadata }) => metadata.asset_id === data?.entity.datasource_type)?.entity;
  const actions = (
    <>
      {data && <Delete space={space} id={id} name={data.entity.name} />}
      <Button kind="tertiary" as={Link} href={paths.editConnection(space, id)}>Edit</Button>
      <Button disabled={!data || tried.isPending} onClick={() => tried.mutate()}>Test</Button>
    </>
  );
  return (
    <Page key={data?.entity.name} title={data?.entity.name ?? "Connection"} crumbs={crumbs} actions={actions}>
      <Problem error={error ?? tried.error} title="The connection cannot be shown or tested" />
      {tried.data && <Outcome {...tried.data} />}
      {data && (
        <>
          {data.entity.description && <p className="lead">{data.entity.description}</p>}
          <Facts
            facts={[
              ["Leads to", type?.label],
              ...Object.entries(data.entity.properties).map(([name, value]): Fact => [name, String(value)]),
              ["Made", <Time at={data.metadata.create_time} full />],
              ["Id", <Copy text={id} what="the connection's id" />],
            ]}
          />
          {type?.status === "active" && <Browser space={space} id={id} />}
          <UsesSection space={space} id={id} />
        </>
      )}
    </Page>
  );
}

const Outcome = ({ ok, message, seconds }: Tried) => (
  <Notice kind={ok ? "success" : "error"} title={ok ? "It works" : "It does not work"} subtitle={`${message} (${duration(seconds)})`} />
);

function Delete({ space, id, name }: { space: string; id: string; name: string }) {
  const uses = useUses(space, id);
  const gone = { at: `/v2/connections/${id}?space_id=${space}`, list: "/v2/asset_summaries", to: paths.assets(space, { type: "connection" }) };
  return (
    <ConfirmDelete what={name} {...gone}>
      <p>It is deleted for good, its secrets with it. {uses && uses.jobs.length + uses.assets.length > 0 && "These cannot be read any more:"}</p>
      {uses && <Uses space={space} uses={uses} quiet />}
    </ConfirmDelete>
  );
}
