import { useQuery } from "@tanstack/react-query";
import { endSessions, sessionsQuery } from "../../api/profile";
import { Consent } from "../../kit/Consent";
import { Problem } from "../../kit/Problem";
import { Section } from "../../kit/Section";
import { Time } from "../../kit/Time";
import { useChange } from "../../kit/useChange";

export function Sessions() {
  const { data, error } = useQuery(sessionsQuery);
  const end = useChange(endSessions, ["session"]);
  return (
    <Section title="Signed in">
      <Problem error={error ?? end.error} />
      <ul className="lines">
        {data?.results.map((session) => (
          <li key={session.created_at}>
            {session.current ? "This browser" : "Another browser"}, since <Time at={session.created_at} />, until{" "}
            <Time at={session.expires_at} />
          </li>
        ))}
      </ul>
      <Consent
        label="Sign out everywhere"
        about="of all browsers"
        question="Every browser is signed out, this one too."
        pending={end.isPending}
        onConsent={() => end.mutate()}
      />
    </Section>
  );
}
