import { Button, InlineNotification } from "@carbon/react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { usesQuery } from "../../api/assets";
import { type Connection, connectionQuery, deleteConnection, tryConnection, typesQuery } from "../../api/connections";
import { ConfirmDelete } from "../../kit/ConfirmDelete";
import { Copy } from "../../kit/Copy";
import { Facts } from "../../kit/Facts";
import { Page } from "../../kit/Page";
import { Problem } from "../../kit/Problem";
import { Section } from "../../kit/Section";
import { useLeave, useSpaceCrumbs } from "../../kit/spacePage";
import { Time } from "../../kit/Time";
import { duration } from "../../kit/time";
import { paths } from "../../paths";
import { Uses } from "../asset/Uses";
import { Browser } from "./Browser";

/** A connection: whether it works, what is behind it, and what uses it. Its secrets are not shown to anybody. */
export default function ConnectionPage({ space, connection: id }: { space: string; connection: string }) {
  const { data, error } = useQuery(connectionQuery(space, id));
  const { data: uses } = useQuery(usesQuery(space, id));
  const { data: types } = useQuery(typesQuery);
  const crumbs = useSpaceCrumbs(space, paths.assets(space, { type: "connection" }));
  const tried = useMutation({ mutationFn: () => tryConnection(space, id) });
  const type = types?.resources.find(({ metadata }) => metadata.asset_id === data?.entity.datasource_type)?.entity;
  const actions = (
    <>
      {data && <Delete space={space} id={id} connection={data} />}
      <Button disabled={!data || tried.isPending} onClick={() => tried.mutate()}>
        Test
      </Button>
    </>
  );
  return (
    <Page key={data?.entity.name} title={data?.entity.name ?? "Connection"} crumbs={crumbs} actions={actions}>
      <Problem error={error ?? tried.error} title="The connection cannot be shown or tested" />
      {tried.data && (
        <InlineNotification
          lowContrast
          hideCloseButton
          kind={tried.data.ok ? "success" : "error"}
          title={tried.data.ok ? "It works" : "It does not work"}
          subtitle={`${tried.data.message} (${duration(tried.data.seconds)})`}
        />
      )}
      {data && (
        <>
          {data.entity.description && <p className="lead">{data.entity.description}</p>}
          <Facts
            facts={[
              ["Leads to", type?.label],
              ...Object.entries(data.entity.properties).map(([name, value]): [string, string] => [name, String(value)]),
              ["Made", <Time at={data.metadata.create_time} full />],
              ["Id", <Copy text={id} what="the connection's id" />],
            ]}
          />
          {type?.status === "active" && <Browser space={space} id={id} />}
          {uses && (
            <Section title="Where it is used">
              <Uses space={space} uses={uses} />
            </Section>
          )}
        </>
      )}
    </Page>
  );
}

function Delete({ space, id, connection }: { space: string; id: string; connection: Connection }) {
  const { data: uses } = useQuery(usesQuery(space, id));
  const leave = useLeave("assets", space);
  const gone = () => leave(paths.assets(space, { type: "connection" }));
  return (
    <ConfirmDelete what={connection.entity.name} remove={() => deleteConnection(space, id)} done={gone}>
      <p>It is deleted for good, its secrets with it. {uses && uses.jobs.length + uses.assets.length > 0 && "These cannot be read any more:"}</p>
      {uses && <Uses space={space} uses={uses} quiet />}
    </ConfirmDelete>
  );
}
