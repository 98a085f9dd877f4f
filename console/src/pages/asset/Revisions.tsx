import { Button } from "@carbon/react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { freezeAsset, revisionsQuery } from "../../api/assets";
import { bytes } from "../../kit/bytes";
import { Problem } from "../../kit/Problem";
import { Section } from "../../kit/Section";
import { Time } from "../../kit/Time";

/** What was frozen of an asset, and a button that freezes it as it is now. */
export function Revisions({ space, id }: { space: string; id: string }) {
  const { data, error } = useQuery(revisionsQuery(space, id));
  const client = useQueryClient();
  const freeze = useMutation({ mutationFn: () => freezeAsset(space, id), onSuccess: () => client.invalidateQueries({ queryKey: ["asset", space, id] }) });
  const button = (
    <Button kind="ghost" size="sm" disabled={freeze.isPending} onClick={() => freeze.mutate()}>
      Freeze a revision
    </Button>
  );
  return (
    <Section title="Revisions" actions={button}>
      <Problem error={error ?? freeze.error} title="Revisions cannot be shown or made" />
      {data?.results.length === 0 && <p className="muted">None is frozen: deployments follow the asset as it is.</p>}
      <ul>
        {data?.results.map(({ metadata }) => (
          <li key={metadata.revision_id}>
            Revision {metadata.revision_id}, {bytes(metadata.size)}, frozen{" "}
            {metadata.commit_info && <Time at={metadata.commit_info.committed_at} />}
          </li>
        ))}
      </ul>
    </Section>
  );
}
