import { SESSION, useRead } from "./api";
import { Problem } from "./kit";
import { SignInPage } from "./pages/signin/SignInPage";
import { Routes } from "./routes";
import { Shell } from "./shell/Shell";

/** The console; whoever is not signed in does so at the address that was asked for, and stays there. */
export function App() {
  const { data, error } = useRead(SESSION, {}, { staleTime: 60_000 });
  if (error && !data) return <main><Problem error={error} title="The console cannot start" /></main>;
  if (!data) return null;
  return data.user ? <Shell user={data.user}><Routes /></Shell> : <SignInPage />;
}
