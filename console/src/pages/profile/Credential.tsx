import { Button } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { credentialQuery, generateCredential, revokeCredential } from "../../api/profile";
import { Consent } from "../../kit/Consent";
import { Problem } from "../../kit/Problem";
import { Section } from "../../kit/Section";
import { Time } from "../../kit/Time";
import { useChange } from "../../kit/useChange";

export function Credential() {
  const { data, error } = useQuery(credentialQuery);
  const generate = useChange(generateCredential, ["profile"]);
  const revoke = useChange(revokeCredential, ["profile"]);
  const credential = data?.credentials[0];
  return (
    <Section title="Task credential" about="Your runs and schedules act by it. Without it none of them starts.">
      <Problem error={error ?? generate.error ?? revoke.error} />
      {data && !credential && (
        <Button size="md" disabled={generate.isPending} onClick={() => generate.mutate()}>
          Generate
        </Button>
      )}
      {credential && (
        <div className="line">
          <span>
            {credential.name}, made <Time at={credential.created_at} />
          </span>
          <Consent
            label="Revoke"
            about="the task credential"
            question="Your schedules stop, and no run of yours starts, until you generate another."
            pending={revoke.isPending}
            onConsent={() => revoke.mutate(credential.id)}
          />
        </div>
      )}
    </Section>
  );
}
