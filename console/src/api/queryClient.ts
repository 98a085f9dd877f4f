import { QueryCache, QueryClient } from "@tanstack/react-query";
import { Refusal } from "./client";
import { sessionQuery } from "./session";

const MOST_RETRIES = 2;

/** How often lists and what is live on a page ask again; while the window is hidden they do not ask at all. */
export const LIVE_MS = 5_000;

const mayPass = (error: Error) => error instanceof Refusal && (error.status === 0 || error.status >= 500);

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      // Signed out elsewhere, or too long ago: the shell asks to sign in, at this very address.
      if (error instanceof Refusal && error.status === 401) void queryClient.invalidateQueries(sessionQuery);
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: LIVE_MS / 2,
      refetchIntervalInBackground: false,
      retry: (failures, error) => failures < MOST_RETRIES && mayPass(error),
    },
  },
});
