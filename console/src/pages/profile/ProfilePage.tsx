import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "../../api/session";
import { Page } from "../../kit/Page";
import { Credential } from "./Credential";
import { Keys } from "./Keys";
import { Password } from "./Password";
import { Sessions } from "./Sessions";

/** What proves who somebody is: the task credential, API keys, the password, and where the user is signed in. */
export default function ProfilePage() {
  const { data } = useQuery(sessionQuery);
  return (
    <Page title="Profile">
      {data?.user && (
        <p className="section">
          {data.user.display_name} <code>{data.user.name}</code>
        </p>
      )}
      <Credential />
      <Keys />
      <Password />
      <Sessions />
    </Page>
  );
}
