import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "./api/session";
import { Problem } from "./kit/Problem";
import { SignInPage } from "./pages/signin/SignInPage";
import { Routes } from "./routes";
import { Shell } from "./shell/Shell";

/** The console; whoever is not signed in does so at the address that was asked for, and stays there. */
export function App() {
  const { data, error } = useQuery(sessionQuery);
  if (error && !data) return <main><Problem error={error} title="The console cannot start" /></main>;
  if (!data) return null;
  if (!data.user) return <SignInPage />;
  return (
    <Shell user={data.user}>
      <Routes />
    </Shell>
  );
}
