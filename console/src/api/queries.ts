import { keepPreviousData, QueryCache, QueryClient, queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import type { Answer, Readable } from "./answers";
import { type Query, Refusal, send, url } from "./client";

const MOST_RETRIES = 2;

/** How often lists and what is live on a page ask again; while the window is hidden they do not ask at all. */
const LIVE_MS = 5_000;
export const LIVE = { refetchInterval: LIVE_MS };
/** A list: while another page of it is on its way, the one before stays. */
export const LISTED = { ...LIVE, placeholderData: keepPreviousData };
/** What does not change. */
export const FIXED = { staleTime: Number.POSITIVE_INFINITY };

export const SESSION = "/v1/session";

const status = (error: Error) => (error instanceof Refusal ? error.about.status : null);
const mayPass = (error: Error) => status(error) === 0 || Number(status(error)) >= 500;

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // Signed out elsewhere, or too long ago: the shell asks to sign in, at this very address.
    onError: (error) => void (status(error) === 401 && again(SESSION)),
  }),
  defaultOptions: {
    queries: {
      staleTime: LIVE_MS / 2,
      refetchIntervalInBackground: false,
      retry: (failures, error) => failures < MOST_RETRIES && mayPass(error),
    },
  },
});

type Parts<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | Parts<Rest> : never;
/** The parts of a path, and whatever goes into the query. */
type Given<P extends string> = Record<Parts<P>, string> & Query;

/** Asks a GET route once. */
export const ask = <P extends Readable>(path: P, given: Given<P>, signal?: AbortSignal) => send<Answer<P>>("GET", path, given, undefined, signal);

/** The query of a GET route; its key is the address that is asked, and what else makes it another one. */
export const read = <P extends Readable>(path: P, given: Given<P> = {} as Given<P>, ...of: string[]) =>
  queryOptions({ queryKey: [url(path, given), ...of], queryFn: ({ signal }) => ask(path, given, signal) });

interface How {
  enabled?: boolean;
  refetchInterval?: number;
  staleTime?: number;
  retry?: boolean;
  placeholderData?: typeof keepPreviousData;
  /** It is read again when this has changed. */
  of?: string;
}

export const useRead = <P extends Readable>(path: P, given?: Given<P>, { of = "", ...how }: How = {}) =>
  useQuery({ ...read(path, given, ...(of ? [of] : [])), ...how });

/** Reads again whatever was read from addresses that begin so. */
export const again = (below: string) => queryClient.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith(below) });

/** A change of something on the server, after which what was read below an address is read again. */
export const useChange = <T = void, R = unknown>(change: (given: T) => Promise<R>, below: string, done?: (made: R) => void) =>
  useMutation<R, Error, T>({
    mutationFn: change,
    onSuccess: async (made) => {
      done?.(made);
      await again(below);
    },
  });
